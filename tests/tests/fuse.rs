//! `fuse!`: values and gradients against the operations it stands for.

use rustorch::autograd::{GradOptions, grad};
use rustorch::prelude::*;
use rustorch::{Result, fuse};

dim!(Batch);

/// Numbers on both sides of zero and one, none of them where a function has a kink.
fn numbers(dtype: DType) -> Tensor {
    let values: Vec<f64> = (0..40).map(|i| f64::from(i) * 0.173 - 3.417).collect();
    Tensor::from_vec(values, [5, 8]).unwrap().to_dtype(dtype)
}

fn close(found: &Tensor, expected: &Tensor, what: &str) -> Result<()> {
    let tolerance = if expected.dtype() == DType::F64 { 1e-12 } else { 2e-5 };
    let wide = |tensor: &Tensor| tensor.to_dtype(DType::F64).to_vec::<f64>();
    let (found, expected) = (wide(found)?, wide(expected)?);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(&expected) {
        let same = (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * (1.0 + b.abs());
        assert!(same, "{what}: {a} but {b}");
    }
    Ok(())
}

/// The gradients of the sum of `result · weights`, and those of the sum of these gradients' squares.
fn gradients(result: &Tensor, leaves: &[&Tensor], second: bool) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let weights = numbers(result.dtype()).reshape([-1])?.narrow(0, 0, 1)?.add(1.0)?;
    let all = |result: &Tensor, create_graph| -> Result<Vec<Tensor>> {
        let options = GradOptions { create_graph, allow_unused: true, ..GradOptions::default() };
        let found = grad(&[result], leaves, &[None], options)?;
        Ok(found.into_iter().zip(leaves).map(|(g, leaf)| g.unwrap_or_else(|| leaf.zeros_like())).collect())
    };
    let first = all(&result.mul(&weights)?.sum(), true)?;
    let mut squares = Tensor::zeros_with([], result.dtype());
    for gradient in &first {
        squares = squares.add(&gradient.square().sum())?;
    }
    let second = if second && squares.requires_grad() { all(&squares, false)? } else { Vec::new() };
    Ok((first, second))
}

fn leaf(value: &Tensor) -> Tensor {
    value.detach().copy().requires_grad_(true).unwrap()
}

/// A fused function of one tensor against the method of the same name, in both precisions, with first and second gradients.
/// What methods return, whether they can fail or not.
trait Outcome {
    fn outcome(self) -> Result<Tensor>;
}

impl Outcome for Tensor {
    fn outcome(self) -> Result<Tensor> {
        Ok(self)
    }
}

impl Outcome for Result<Tensor> {
    fn outcome(self) -> Result<Tensor> {
        self
    }
}

macro_rules! unary_functions {
    ($($name:ident ($($argument:literal),*) $(over $map:expr)?;)*) => {
        #[test]
        fn functions_of_one_tensor_are_those_of_tensor() -> Result<()> {
            $({
                #[allow(unused_mut, unused_assignments)]
                let mut map: fn(Tensor) -> Tensor = |x| x;
                $(map = $map;)?
                for dtype in [DType::F64, DType::F32] {
                    let value = map(numbers(dtype));
                    let (ours, theirs) = (leaf(&value), leaf(&value));
                    let fused = fuse!(|x| x.$name($($argument),*), &ours)?;
                    let method = theirs.$name($($argument),*).outcome()?;
                    close(&fused, &method, stringify!($name))?;
                    // There is no derivative of the trigamma function.
                    let second = stringify!($name) != "digamma";
                    let (a, b) = (gradients(&fused, &[&ours], second)?, gradients(&method, &[&theirs], second)?);
                    close(&a.0[0], &b.0[0], concat!("gradient of ", stringify!($name)))?;
                    if dtype == DType::F64 && !a.1.is_empty() && !b.1.is_empty() {
                        close(&a.1[0], &b.1[0], concat!("second gradient of ", stringify!($name)))?;
                    }
                }
            })*
            Ok(())
        }
    };
}

unary_functions! {
    exp(); exp2(); expm1(); sin(); cos(); tan(); sinh(); cosh(); tanh(); atan(); asinh(); sigmoid(); erf(); erfc();
    abs(); sign(); floor(); ceil(); trunc(); round(); frac(); square(); reciprocal();
    log() over |x| x.abs(); log1p() over |x| x.abs(); log2() over |x| x.abs(); log10() over |x| x.abs();
    sqrt() over |x| x.abs(); rsqrt() over |x| x.abs(); lgamma() over |x| x.abs(); digamma() over |x| x.abs();
    acosh() over |x| x.abs() + 1.1; asin() over |x| x * 0.25; acos() over |x| x * 0.25; atanh() over |x| x * 0.25;
    erfinv() over |x| x * 0.25; logit() over |x| x.abs() * 0.25;
    relu(); relu6(); leaky_relu(0.1); elu(0.7); selu(); celu(1.5); gelu(); gelu_tanh(); silu(); mish(); softplus(2.0, 5.0);
    log_sigmoid(); softsign(); tanhshrink(); hardtanh(-1.0, 2.0); hardsigmoid(); hardswish(); hardshrink(0.6); softshrink(0.6);
    sinc(); threshold(0.3, -2.0);
}

macro_rules! binary_functions {
    ($($name:ident;)*) => {
        #[test]
        fn functions_of_two_tensors_are_those_of_tensor() -> Result<()> {
            $({
                let (a, b) = (numbers(DType::F64), numbers(DType::F64).flip([0, 1])?.narrow(0, 0, 1)? * 1.3);
                let (a, b) = if stringify!($name) == "pow" { (a.abs(), b) } else { (a, b) };
                let (ours, theirs) = ([leaf(&a), leaf(&b)], [leaf(&a), leaf(&b)]);
                let fused = fuse!(|x, y| $name(x, y), &ours[0], &ours[1])?;
                let method = theirs[0].$name(&theirs[1])?;
                close(&fused, &method, stringify!($name))?;
                let found = gradients(&fused, &[&ours[0], &ours[1]], true)?;
                let expected = gradients(&method, &[&theirs[0], &theirs[1]], true)?;
                for at in 0..2 {
                    close(&found.0[at], &expected.0[at], concat!("gradient of ", stringify!($name)))?;
                    if !found.1.is_empty() && !expected.1.is_empty() {
                        close(&found.1[at], &expected.1[at], concat!("second gradient of ", stringify!($name)))?;
                    }
                }
            })*
            Ok(())
        }
    };
}

binary_functions! {
    pow; maximum; minimum; atan2; hypot; copysign; fmod; remainder; logaddexp; fmax; fmin;
    xlogy;
}

/// The example of the documentation, by operators.
fn composed(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    x.mul(y)?.tanh().add(&x.mul(0.5)?)
}

#[test]
fn an_expression_is_what_its_operators_compute() -> Result<()> {
    for (left, right) in [([5, 8], [5, 8]), ([5, 1], [5, 8]), ([5, 8], [1, 8])] {
        let make = |shape: [usize; 2], shift: f64| {
            Ok::<_, rustorch::Error>(leaf(
                &numbers(DType::F64).narrow(0, 0, shape[0])?.narrow(1, 0, shape[1])?.add(shift)?,
            ))
        };
        let (a, b) = (make(left, 0.0)?, make(right, 0.4)?);
        let (c, d) = (make(left, 0.0)?, make(right, 0.4)?);
        let fused = fuse!(|x, y| (x * y).tanh() + 0.5 * x, &a, &b)?;
        let expected = composed(&c, &d)?;
        close(&fused, &expected, "value")?;
        let (found, expected) = (gradients(&fused, &[&a, &b], true)?, gradients(&expected, &[&c, &d], true)?);
        for at in 0..2 {
            close(&found.0[at], &expected.0[at], "gradient")?;
            close(&found.1[at], &expected.1[at], "second gradient")?;
        }
    }
    Ok(())
}

#[test]
fn numbers_from_outside_and_local_values() -> Result<()> {
    struct Options {
        slope: f32,
    }
    let (options, steps) = (Options { slope: 0.25 }, 3usize);
    let x = leaf(&numbers(DType::F64));
    let y = fuse!(
        |x| {
            let scaled = x * steps - std::f64::consts::PI;
            if scaled > 0.0 && x < 2.0 || x == 3.0 { scaled.sqrt() } else { options.slope * scaled }
        },
        &x
    )?;
    let scaled = &x * 3.0 - std::f64::consts::PI;
    let taken = scaled.gt(0.0)?.logical_and(&x.lt(2.0)?)?;
    let expected = Tensor::where_(&taken, &scaled.abs().sqrt(), &(&scaled * 0.25))?;
    close(&y, &expected, "value")?;
    y.sum().backward()?;
    let gradient = x.grad().unwrap().to_vec::<f64>()?;
    assert!(
        gradient.iter().all(|g| g.is_finite()),
        "the root of what is negative does not enter: {gradient:?}"
    );
    Ok(())
}

#[test]
fn views_half_precision_and_integers() -> Result<()> {
    let x = numbers(DType::F32);
    let transposed = x.t()?;
    close(&fuse!(|x| 2.0 * x + 1.0, &transposed)?, &(&transposed * 2.0 + 1.0), "a transposed view")?;
    for dtype in [DType::F16, DType::BF16] {
        let half = leaf(&x.to_dtype(dtype));
        let y = fuse!(|x| x * x, &half)?;
        assert_eq!(y.dtype(), dtype);
        y.sum().backward()?;
        let (found, expected) = (half.grad().unwrap(), &half.detach() * 2.0);
        assert_eq!(found.dtype(), dtype);
        assert_eq!(
            found.to_dtype(DType::F32).to_vec::<f32>()?,
            expected.to_dtype(DType::F32).to_vec::<f32>()?
        );
    }
    let counts = Tensor::from([1i64, 2, 3]);
    let halves = fuse!(|n| n / 2.0, counts)?;
    assert_eq!((halves.dtype(), halves.to_vec::<f32>()?), (DType::F32, vec![0.5, 1.0, 1.5]));
    let mask = Tensor::from([true, false, true]);
    assert_eq!(
        fuse!(|m, n| if m != 0.0 { n } else { -1.0 }, mask, counts)?.to_vec::<f32>()?,
        [1.0, -1.0, 3.0]
    );
    let complex = Tensor::ones_with([2], DType::Complex64);
    let message = fuse!(|x| x + 1.0, complex).unwrap_err().to_string();
    assert!(message.contains("fuse") && message.contains("real"), "{message}");
    let message = fuse!(|x, y| x + y, x, counts).unwrap_err().to_string();
    assert!(message.contains("fuse") && message.contains('8') && message.contains('3'), "{message}");
    Ok(())
}

#[test]
fn typed_operands_give_typed_results() -> Result<()> {
    let x = numbers(DType::F32).typed::<shape![Batch, 8]>()?;
    let bias = TypedTensor::<shape![8]>::ones();
    let y: TypedTensor<shape![Batch, 8]> = fuse!(|x, b| (x + b).relu(), &x, &bias);
    close(&y, &(&x + &bias).relu(), "typed")?;
    let mixed: Result<Tensor> = fuse!(|x, b| x * b, &x, bias.as_tensor());
    close(&mixed?, &x, "mixed")
}

/// At the bounds, where tensors share the gradient and numbers take none.
#[test]
fn clamp_treats_its_bounds_as_tensor_does() -> Result<()> {
    let value = Tensor::from([-2.0f64, -1.0, 0.0, 0.5, 1.0, 3.0]);
    let (ours, theirs) = (leaf(&value), leaf(&value));
    let (fused, method) = (fuse!(|x| x.clamp(-1.0, 1.0), &ours)?, theirs.clamp(-1.0, 1.0)?);
    close(&fused, &method, "clamp")?;
    close(
        &gradients(&fused, &[&ours], false)?.0[0],
        &gradients(&method, &[&theirs], false)?.0[0],
        "gradient",
    )?;
    let bounds =
        [Tensor::from([-1.0f64, -1.0, 2.0, 0.5, 0.0, 3.0]), Tensor::from([1.0f64, 1.0, 1.0, 0.5, 1.0, 4.0])];
    let ours = [leaf(&value), leaf(&bounds[0]), leaf(&bounds[1])];
    let theirs = [leaf(&value), leaf(&bounds[0]), leaf(&bounds[1])];
    let fused = fuse!(|x, low, high| x.clamp(low, high), &ours[0], &ours[1], &ours[2])?;
    let method = theirs[0].clamp(&theirs[1], &theirs[2])?;
    close(&fused, &method, "clamp between tensors")?;
    let found = gradients(&fused, &[&ours[0], &ours[1], &ours[2]], false)?.0;
    let expected = gradients(&method, &[&theirs[0], &theirs[1], &theirs[2]], false)?.0;
    (0..3).try_for_each(|at| close(&found[at], &expected[at], "gradient of clamp between tensors"))
}

/// Above the size of a block and of a chunk, and with operands that are repeated or converted on the way.
#[test]
fn large_operands_of_all_kinds() -> Result<()> {
    let a = Tensor::randn([70, 1000]);
    let (row, column) = (Tensor::randn([1000]), Tensor::randn_with([70, 1], DType::F64).to_dtype(DType::F32));
    let fused = fuse!(|a, r, c, d| (a - r) * c + d.exp(), &a, &row, &column, &a.narrow(0, 3, 1)?)?;
    let expected = a.sub(&row)?.mul(&column)?.add(&a.narrow(0, 3, 1)?.exp())?;
    close(&fused, &expected, "four operands")
}
