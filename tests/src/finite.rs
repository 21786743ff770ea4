//! Derivatives by finite differences.

use num_complex::Complex;
use rustorch::autograd::{GradOptions, grad};
use rustorch::{DType, Result, Tensor, no_grad};

use crate::compare::values;

/// A function of leaves, evaluated anew for each point.
pub type Function<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

/// Checks the gradient of `f` at `points` (`F64` or `Complex128`) against central differences of the real number
/// `Re Σ conj(w) · f(x)`, whose gradient for a complex `x` is that along the real axis plus `i` times that along the
/// imaginary one.
///
/// # Errors
/// The first difference, in words, or the message of an operation that failed.
pub fn check(f: Function<'_>, points: &[Tensor], create_graph: bool) -> Result<(), String> {
    let error = |error: rustorch::Error| error.to_string();
    let leaves: Vec<Tensor> = points
        .iter()
        .map(|x| x.copy().detach().requires_grad_(true))
        .collect::<Result<_>>()
        .map_err(error)?;
    let outputs = f(&leaves).map_err(error)?;
    let outputs: Vec<&Tensor> = outputs.iter().filter(|output| output.requires_grad()).collect();
    if outputs.is_empty() {
        return Err("no output requires gradients".into());
    }
    let weights: Vec<Tensor> = outputs.iter().map(|output| weights(output)).collect();
    let gradients: Vec<Option<&Tensor>> = weights.iter().map(Some).collect();
    let options = GradOptions { create_graph, allow_unused: true, ..GradOptions::default() };
    let inputs: Vec<&Tensor> = leaves.iter().collect();
    let found = grad(&outputs, &inputs, &gradients, options).map_err(error)?;
    for (k, (leaf, found)) in leaves.iter().zip(&found).enumerate() {
        let zeros = leaf.zeros_like();
        let found = values(found.as_ref().unwrap_or(&zeros));
        for (i, got) in found.iter().enumerate() {
            let expected = difference(f, points, k, i, &weights).map_err(error)?;
            let near = (got - expected).norm() <= 1e-6 + 1e-5 * expected.norm();
            if !near {
                return Err(format!("input {k} element {i}: gradient {got}, by differences {expected}"));
            }
        }
    }
    Ok(())
}

/// As [`check`], of the gradient itself, which `create_graph` records.
///
/// # Errors
/// As [`check`].
pub fn check_second(f: Function<'_>, points: &[Tensor]) -> Result<(), String> {
    let options = GradOptions { create_graph: true, allow_unused: true, ..GradOptions::default() };
    let gradient = |leaves: &[Tensor]| -> Result<Vec<Tensor>> {
        let outputs = rustorch::enable_grad(|| f(leaves))?;
        let outputs: Vec<&Tensor> = outputs.iter().filter(|output| output.requires_grad()).collect();
        let weights: Vec<Tensor> = outputs.iter().map(|output| weights(output)).collect();
        let weights: Vec<Option<&Tensor>> = weights.iter().map(Some).collect();
        let inputs: Vec<&Tensor> = leaves.iter().collect();
        let found = rustorch::enable_grad(|| grad(&outputs, &inputs, &weights, options))?;
        Ok(found.into_iter().flatten().collect())
    };
    let leaves: Vec<Tensor> = points
        .iter()
        .map(|x| x.copy().detach().requires_grad_(true))
        .collect::<Result<_>>()
        .map_err(|error| error.to_string())?;
    let first = gradient(&leaves).map_err(|error| error.to_string())?;
    if first.iter().all(|gradient| !gradient.requires_grad()) {
        return Ok(()); // Linear: the gradient is a constant.
    }
    check(&gradient, points, false)
}

/// Fixed numbers of mixed sign and size, so that no error hides in a symmetry.
fn weights(output: &Tensor) -> Tensor {
    let weight = |i: usize| 0.25 + ((i * 7 + 3) % 11) as f64 / 8.0 * if i % 2 == 0 { 1.0 } else { -1.0 };
    let shape = output.shape();
    let weights = if output.dtype().is_complex() {
        let items = (0..output.numel()).map(|i| Complex::new(weight(i), weight(i + 5))).collect();
        Tensor::from_vec::<Complex<f64>>(items, shape)
    } else {
        Tensor::from_vec::<f64>((0..output.numel()).map(weight).collect(), shape)
    };
    weights.expect("as many weights as elements").to_dtype(output.dtype())
}

/// `Re Σ conj(w) · f(x)`.
fn objective(f: Function<'_>, points: &[Tensor], weights: &[Tensor]) -> Result<f64> {
    // Recording stays on so that a function of gradients can compute them.
    let leaves: Vec<Tensor> =
        points.iter().map(|x| x.detach().requires_grad_(true)).collect::<Result<_>>()?;
    let outputs = f(&leaves)?;
    let outputs = outputs.iter().filter(|output| output.requires_grad());
    let dot = |(w, y): (&Tensor, &Tensor)| -> f64 {
        values(w).iter().zip(values(y)).map(|(w, y)| (w.conj() * y).re).sum()
    };
    Ok(weights.iter().zip(outputs).map(dot).sum())
}

fn difference(
    f: Function<'_>,
    points: &[Tensor],
    input: usize,
    element: usize,
    weights: &[Tensor],
) -> Result<Complex<f64>> {
    let along = |direction: Complex<f64>| -> Result<f64> {
        const STEP: f64 = 1e-5;
        let at = |step: f64| -> Result<f64> {
            let mut moved: Vec<Tensor> = points.to_vec();
            moved[input] = no_grad(|| shifted(&points[input], element, direction * step))?;
            objective(f, &moved, weights)
        };
        Ok((at(STEP)? - at(-STEP)?) / (2.0 * STEP))
    };
    let real = along(Complex::new(1.0, 0.0))?;
    let imaginary = if points[input].dtype().is_complex() { along(Complex::new(0.0, 1.0))? } else { 0.0 };
    Ok(Complex::new(real, imaginary))
}

/// A copy with one element changed.
fn shifted(tensor: &Tensor, element: usize, by: Complex<f64>) -> Result<Tensor> {
    let mut items = values(tensor);
    items[element] += by;
    match tensor.dtype() {
        DType::F64 => {
            Tensor::from_vec::<f64>(items.into_iter().map(|item| item.re).collect(), tensor.shape())
        }
        _ => Tensor::from_vec::<Complex<f64>>(items, tensor.shape()),
    }
}
