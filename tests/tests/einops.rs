//! `rearrange`, `reduce`, `repeat` and their macros: against the package einops, and typed against dynamic.

use rustorch::autograd::{GradOptions, grad};
use rustorch::prelude::*;
use rustorch::{Result, rearrange, reduce, repeat};

dim!(Batch, Time);

/// The elements that `einops_patterns.py` gives an operand.
fn filled(shape: &[usize], salt: usize) -> Tensor {
    let count = shape.iter().product();
    let values: Vec<f64> =
        (0..count).map(|i: usize| ((3 * i * i + 7 * i + 5 * salt) % 11) as f64 - 5.0).collect();
    Tensor::from_vec(values, shape).unwrap()
}

fn numbers(field: &str, separator: char) -> Vec<f64> {
    field.split(separator).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
}

fn run(operation: &str, x: &Tensor, pattern: &str, sizes: &[(&str, usize)]) -> Result<Tensor> {
    match operation {
        "rearrange" => rearrange(x, pattern, sizes),
        "repeat" => repeat(x, pattern, sizes),
        reduction => reduce(x, pattern, reduction, sizes),
    }
}

#[test]
fn results_and_gradients_are_those_of_einops() -> Result<()> {
    let close = |found: &[f64], expected: &[f64]| {
        found.len() == expected.len()
            && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + b.abs()))
    };
    let (mut computed, mut refused) = (0, 0);
    for line in include_str!("../goldens/einops.txt").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').collect();
        let shape: Vec<usize> =
            numbers(fields[2].trim_end_matches('t'), ',').into_iter().map(|size| size as usize).collect();
        let reversed: Vec<usize> = shape.iter().rev().copied().collect();
        let x =
            if fields[2].ends_with('t') { filled(&reversed, 0).reverse_axes()? } else { filled(&shape, 0) };
        let x = x.requires_grad_(true)?;
        let pairs = fields[3].split(',').filter(|text| !text.is_empty());
        let sizes: Vec<(&str, usize)> = pairs
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, size)| (name, size.parse().unwrap()))
            .collect();
        let result = run(fields[0], &x, fields[1], &sizes);
        if fields[4] == "error" {
            assert!(result.is_err(), "{line}");
            refused += 1;
            continue;
        }
        let result = result?;
        let expected: Vec<usize> = numbers(fields[4], ',').into_iter().map(|size| size as usize).collect();
        assert_eq!(result.shape(), expected, "{line}");
        assert!(close(&result.to_vec::<f64>()?, &numbers(fields[5], ' ')), "{line}\n{result:?}");
        let weights = filled(result.shape(), 9);
        let gradient = grad(&[&result], &[&x], &[Some(&weights)], GradOptions::default())?.remove(0).unwrap();
        assert!(close(&gradient.to_vec::<f64>()?, &numbers(fields[6], ' ')), "{line}\n{gradient:?}");
        computed += 1;
    }
    assert!(computed >= 280 && refused >= 17, "{computed} computed, {refused} refused");
    Ok(())
}

#[test]
fn macros_and_functions_agree() -> Result<()> {
    let x = filled(&[2, 12, 3], 0);
    let heads = 4;
    let split = rearrange!("b (h d) t -> b h t d", x, h = heads)?;
    assert_eq!(split.to_vec::<f64>()?, rearrange(&x, "b (h d) t -> b h t d", &[("h", 4)])?.to_vec::<f64>()?);
    let back = rearrange!("b h t d -> b (h d) t", &split)?;
    assert_eq!(back.to_vec::<f64>()?, x.to_vec::<f64>()?);
    let pairs = reduce!("b (c 2) t -> b c t", x, "mean")?;
    assert_eq!(pairs.to_vec::<f64>()?, reduce(&x, "b (c 2) t -> b c t", "mean", &[])?.to_vec::<f64>()?);
    let wide = repeat!("b c t -> b c (t r)", x, r = 2)?;
    assert_eq!(wide.shape(), [2, 12, 6]);
    assert_eq!(wide.to_vec::<f64>()?, repeat(&x, "b c t -> b c (t r)", &[("r", 2)])?.to_vec::<f64>()?);
    Ok(())
}

#[test]
fn typed_operands_give_typed_results() -> Result<()> {
    let x = filled(&[2, 12, 3], 0).typed::<shape![Batch, 12, Time]>()?;
    // Named dims and constant sizes are inferred; what a composite axis splits into is stated, and verified.
    let split: TypedTensor<shape![Batch, 4, Time, 3]> = rearrange!("b (h d) t -> b h t d", x, h = 4);
    assert_eq!(split.shape(), [2, 4, 3, 3]);
    let merged: TypedTensor<shape![Batch, Time, 12]> = rearrange!("b h t d -> b t (h d)", split);
    let expected = x.transpose::<1, 2>();
    assert_eq!(merged.to_vec::<f64>()?, expected.to_vec::<f64>()?);
    // Where no axis is made of several, the whole type is inferred.
    let swapped = rearrange!("b c t -> t b c", x);
    let _: &TypedTensor<shape![Time, Batch, 12]> = &swapped;
    let means = reduce!("b c t -> b c", x, "mean");
    let _: &TypedTensor<shape![Batch, 12]> = &means;
    assert_eq!(means.to_vec::<f64>()?, x.mean_axis::<2>().to_vec::<f64>()?);
    let sums: TypedTensor<shape![Time]> = reduce!("... t -> t", x, "sum");
    assert_eq!(sums.shape(), [3]);
    let copies: TypedTensor<shape![Batch, 12, Time, 5]> = repeat!("b c t -> b c t r", x, r = 5);
    assert_eq!(copies.shape(), [2, 12, 3, 5]);
    let column: TypedTensor<shape![Batch, 12]> = reduce!("b c t -> b c", x, "max");
    let scaled = &x * rearrange!("b c -> b c 1", column);
    assert_eq!(scaled.shape(), [2, 12, 3]);
    Ok(())
}

/// A const parameter is a constant size, also where its value is not known yet.
fn split_heads<const D: usize, const HEADS: usize, const WIDTH: usize>(
    x: &TypedTensor<shape![Batch, WIDTH]>,
) -> TypedTensor<shape![Batch, HEADS, D]> {
    rearrange!("b (h d) -> b h d", x, h = HEADS)
}

#[test]
fn const_parameters_are_constant_sizes() -> Result<()> {
    let x = filled(&[2, 12], 0).typed::<shape![Batch, 12]>()?;
    assert_eq!(split_heads::<3, 4, 12>(&x).shape(), [2, 4, 3]);
    Ok(())
}

#[test]
fn views_are_not_copied() -> Result<()> {
    let x = filled(&[2, 12, 3], 0);
    for view in [
        rearrange!("b (h d) t -> b h t d", x, h = 4)?,
        rearrange!("b c t -> (b c) t", x)?,
        rearrange!("b c t -> 1 b c () t", x)?,
        repeat!("b c t -> b r c t", x, r = 7)?,
    ] {
        assert!(view.shares_storage(&x), "{:?}", view.shape());
    }
    assert!(!rearrange!("b c t -> b (t c)", x)?.shares_storage(&x), "its elements are not in this order");
    Ok(())
}

#[test]
fn errors_name_the_axis_the_sizes_and_the_pattern() {
    let x = filled(&[2, 10], 0);
    let message = rearrange!("b (h d) -> b h d", x, h = 4).unwrap_err().to_string();
    assert!(
        message.contains("rearrange: axis 1 has size 10, but `(h d)` with h = 4 needs a multiple of 4"),
        "{message}"
    );
    assert!(message.ends_with("    b (h d) -> b h d\n      ^"), "{message}");
    let message = reduce(&x, "a b -> a", "maen", &[]).unwrap_err().to_string();
    assert!(message.contains("did you mean \"mean\"?"), "{message}");
    let message = rearrange(&x, "a b -> b a", &[("c", 3)]).unwrap_err().to_string();
    assert!(message.contains("the pattern has no axis `c`"), "{message}");
}

#[test]
fn a_stated_size_that_is_wrong_at_run_time_panics_with_both() {
    let heads = 2;
    let x = filled(&[2, 12], 0).typed::<shape![Batch, 12]>().unwrap();
    let stated = || -> TypedTensor<shape![Batch, Any, 3]> { rearrange!("b (h d) -> b h d", x, h = heads) };
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(stated)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("axis 2 is 3") && message.contains("not 6"), "{message}");
}
