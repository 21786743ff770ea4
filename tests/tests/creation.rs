//! Tensors made from nothing: dtypes, lengths, and numbers that a dtype does not hold.

use rustorch::{DType, Result, Tensor};
use rustorch_tests::quiet;

#[test]
fn ranges_have_pytorchs_lengths() -> Result<()> {
    // From `torch.arange`, whose length is ⌈(end - start) / step⌉ in double precision.
    let cases = [
        (0.0, 1.0, 0.1, 10),
        (0.1, 0.4, 0.1, 4),
        (1.0, 0.0, -0.3, 4),
        (0.0, 0.7, 0.07, 10),
        (-1.7, 20.0, 0.01, 2170),
        (2.0, 2.0, -1.0, 0),
    ];
    for (start, end, step, length) in cases {
        assert_eq!(Tensor::arange(start, end, step)?.numel(), length, "{start} {end} {step}");
    }
    Ok(())
}

#[test]
fn sequences_of_other_dtypes_are_not_rounded_on_the_way() -> Result<()> {
    let range = Tensor::arange_with(0, 1, 0.1, DType::F64)?.to_vec::<f64>()?;
    assert!(range.iter().enumerate().all(|(i, &x)| x == i as f64 * 0.1), "{range:?}");
    let spaced = Tensor::linspace_with(0.0, 1.0, 11, DType::F64).to_vec::<f64>()?;
    assert!(spaced.iter().enumerate().all(|(i, &x)| (x - i as f64 / 10.0).abs() < 2e-16), "{spaced:?}");
    assert_eq!(Tensor::arange_with(5, 0, -2, DType::I16)?.to_vec::<i16>()?, [5, 3, 1]);
    assert_eq!(Tensor::arange_with(0.0, 3.0, 1.0, DType::I32)?.to_vec::<i32>()?, [0, 1, 2]);
    assert_eq!(Tensor::logspace_with(0.0, 2.0, 3, 10.0, DType::F64).to_vec::<f64>()?, [1.0, 10.0, 100.0]);
    assert_eq!(Tensor::eye_with(3, 2, DType::Bool).to_dtype(DType::I64).to_vec::<i64>()?, [1, 0, 0, 1, 0, 0]);
    assert_eq!(Tensor::eye_with(0, 2, DType::F32).shape(), [0, 2]);
    assert_eq!(Tensor::linspace(2.0, 3.0, 1).to_vec::<f32>()?, [2.0]);
    Ok(())
}

/// Fails unless the call is refused, by an error or a panic of the library, in these words.
#[track_caller]
fn refused<T>(call: impl FnOnce() -> Result<T>, words: &[&str]) {
    let error = quiet::call(call).err().expect("no error");
    assert!(!quiet::is_internal(&error), "{error}");
    words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in: {error}"));
}

#[test]
fn sequences_that_cannot_be() {
    refused(|| Tensor::arange(0.0, 1.0, f64::INFINITY), &["arange", "inf"]);
    refused(|| Tensor::arange(0.0, 1.0, f64::NAN), &["arange", "NaN"]);
    refused(|| Tensor::arange(0, 3, 0), &["arange", "0 to 3 in steps of 0"]);
    refused(|| Tensor::arange(0, 3, -1), &["arange", "-1"]);
    refused(|| Tensor::arange(0.0, f64::INFINITY, 1.0), &["arange", "inf"]);
    refused(|| Tensor::arange_with(0, 300, 1, DType::U8), &["arange", "299", "uint8"]);
    refused(|| Tensor::arange_with(0.0, 1.0, 0.5, DType::I64), &["arange", "0.5", "int64"]);
    refused(|| Tensor::arange_with(0, 2, 1, DType::Bool), &["arange", "bool"]);
}

/// As in PyTorch, a number that would become another one, or an infinity, is refused: by constructors and by everything
/// that writes a number into a tensor.
#[test]
fn numbers_that_do_not_fit() {
    let half = || Tensor::zeros_with([2], DType::F16);
    let index = || Tensor::from([1i64]);
    refused(|| Ok(Tensor::full([2], 1e40)), &["full", "float32"]);
    refused(|| Ok(Tensor::full_with([2], 300, DType::U8)), &["full", "300", "uint8"]);
    refused(|| Ok(Tensor::full_with([2], -0.5, DType::U8)), &["full", "-0.5", "uint8"]);
    refused(|| Ok(Tensor::full_with([2], f64::NAN, DType::I64)), &["full", "NaN", "int64"]);
    refused(|| Ok(half().full_like(70_000)), &["full_like", "70000", "float16"]);
    refused(|| half().fill_(65_520), &["fill_", "65520", "float16"]);
    refused(|| Tensor::zeros([2]).fill_(-1e40), &["fill_", "float32"]);
    refused(|| Tensor::zeros([2]).set(0, 1e40), &["fill_", "float32"]);
    refused(|| Tensor::from([1i32, 2]).set(index(), 3e9), &["index", "3000000000", "int32"]);
    refused(|| half().index_fill_(0, &index(), 1e5), &["index_fill_", "100000", "float16"]);
    refused(
        || Tensor::zeros([2]).index_fill(0, &index(), num_complex::Complex::new(1.0f64, 0.0)),
        &["index_fill", "float32"],
    );
    refused(|| half().masked_fill(&Tensor::from([true, false]), 1e5), &["masked_fill", "float16"]);
    for value in [f64::INFINITY, f64::NAN, 65_504.0] {
        assert!(half().fill_(value).is_ok(), "{value}");
    }
    assert_eq!(Tensor::full_with([1], -1, DType::U8).to_vec::<u8>().unwrap(), [255]);
    assert_eq!(Tensor::full_with([1], 2.7, DType::I8).to_vec::<i8>().unwrap(), [2]);
}

#[test]
fn random_numbers_that_do_not_fit() {
    refused(|| Ok(Tensor::randint_with(0, 257, [2], DType::U8)), &["randint", "257", "uint8"]);
    refused(|| Ok(Tensor::randint_with(-1, 2, [2], DType::U8)), &["randint", "-1", "uint8"]);
    refused(|| Tensor::zeros_with([2], DType::I8).random_(0, 129), &["random_", "129", "int8"]);
    refused(|| Tensor::zeros([2]).uniform_(0.0, 1e39), &["uniform_", "float32"]);
    refused(|| Tensor::zeros([2]).uniform_(-3e38, 3e38), &["uniform_", "float32"]);
    refused(|| Tensor::zeros([2]).uniform_(1.0, 0.0), &["uniform_", "[1, 0)"]);
    assert!(Tensor::zeros_with([2], DType::F64).uniform_(0.0, 1e39).is_ok());
    assert_eq!(Tensor::randint_with(255, 256, [2], DType::U8).to_vec::<u8>().unwrap(), [255, 255]);
}

/// From `torch.linspace` and `torch.logspace`: integers drop fractions, of the ends before the distance is computed.
#[test]
fn spaced_integers_and_complex_numbers() -> Result<()> {
    let spaced = |start, end, steps, dtype| Tensor::linspace_with(start, end, steps, dtype);
    assert_eq!(spaced(0.0, 10.0, 4, DType::I32).to_vec::<i32>()?, [0, 3, 6, 10]);
    assert_eq!(spaced(-3.7, 3.9, 6, DType::I64).to_vec::<i64>()?, [-3, -1, 0, 0, 1, 3]);
    assert_eq!(spaced(0.5, 2.5, 3, DType::U8).to_vec::<u8>()?, [0, 1, 2]);
    // 4 - 21/7
    assert_eq!(spaced(4.3, -3.0, 50, DType::I8).to_vec::<i8>()?[21], 1);
    assert_eq!(spaced(5.0, 7.0, 1, DType::I8).to_vec::<i8>()?, [5]);
    assert_eq!(spaced(0.0, 1.0, 0, DType::I8).shape(), [0]);
    let complex = spaced(0.0, 1.0, 3, DType::Complex64);
    assert_eq!(complex.real()?.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    assert_eq!(complex.imag()?.to_vec::<f32>()?, [0.0, 0.0, 0.0]);
    let powers = |start, end, steps, base, dtype| Tensor::logspace_with(start, end, steps, base, dtype);
    assert_eq!(powers(0.0, 3.0, 4, 10.0, DType::I32).to_vec::<i32>()?, [1, 10, 100, 1000]);
    assert_eq!(powers(0.0, 3.0, 6, 2.0, DType::I64).to_vec::<i64>()?, [1, 1, 2, 3, 5, 8]);
    refused(|| Ok(spaced(-1.0, 3.0, 3, DType::U8)), &["linspace", "uint8", "-1"]);
    refused(|| Ok(spaced(0.0, f64::NAN, 3, DType::I64)), &["linspace", "int64", "NaN"]);
    refused(|| Ok(powers(0.0, 3.0, 2, 10.0, DType::I8)), &["logspace", "int8", "1000"]);
    refused(|| Ok(spaced(0.0, 1.0, 2, DType::Bool)), &["linspace", "bool"]);
    Ok(())
}
