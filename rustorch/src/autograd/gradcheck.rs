//! Gradients against finite differences.

use num_complex::Complex;

use super::{GradOptions, grad};
use crate::{DType, Error, Result, Tensor};

/// How [`gradcheck`] compares.
///
/// ```
/// use rustorch::autograd::GradcheckOptions;
/// let options = GradcheckOptions { atol: 1e-4, ..Default::default() };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct GradcheckOptions {
    /// By how much each input is changed, up and down.
    pub eps: f64,
    /// The absolute difference that is allowed.
    pub atol: f64,
    /// The difference that is allowed relative to the numerical derivative.
    pub rtol: f64,
}

impl Default for GradcheckOptions {
    fn default() -> Self {
        Self { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }
    }
}

/// What a function under [`gradcheck`] may return: a tensor, or several as a vector, array or pair.
pub trait GradcheckOutput {
    /// The tensors.
    fn into_tensors(self) -> Vec<Tensor>;
}

impl GradcheckOutput for Tensor {
    #[inline]
    fn into_tensors(self) -> Vec<Tensor> {
        vec![self]
    }
}

impl GradcheckOutput for Vec<Tensor> {
    fn into_tensors(self) -> Vec<Tensor> {
        self
    }
}

impl<const N: usize> GradcheckOutput for [Tensor; N] {
    fn into_tensors(self) -> Vec<Tensor> {
        self.into()
    }
}

impl GradcheckOutput for (Tensor, Tensor) {
    fn into_tensors(self) -> Vec<Tensor> {
        vec![self.0, self.1]
    }
}

/// Compares the gradients of `function` at `inputs` with central differences `(f(x + eps) - f(x - eps)) / 2 eps`
/// (`torch.autograd.gradcheck`).
///
/// Checked are the inputs that require gradients, which must be `F64` or `Complex128`; the others are passed as they
/// are. A complex number counts as two real ones. The function is called with contiguous copies.
///
/// # Errors
/// What the function returns; if no input requires gradients or one has another dtype; and, naming input, output and
/// both values, if a derivative differs by more than `atol + rtol · |numerical|`.
///
/// ```
/// use rustorch::{DType, Tensor, autograd::gradcheck};
/// let x = Tensor::from([0.5f64, -1.5]).requires_grad_(true)?;
/// gradcheck(|inputs| inputs[0].square().mul(&inputs[0].exp()), &[&x], Default::default())?;
/// let wrong = gradcheck(|inputs| inputs[0].detach().mul(&inputs[0]), &[&x], Default::default());
/// assert!(wrong.unwrap_err().to_string().contains("input 0"));
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn gradcheck<O: GradcheckOutput>(
    function: impl Fn(&[Tensor]) -> Result<O>,
    inputs: &[&Tensor],
    options: GradcheckOptions,
) -> Result<()> {
    check(&|inputs| function(inputs).map(O::into_tensors), inputs, options)
}

/// [`gradcheck`] of the gradient of `function` itself, with respect to its inputs and to the gradients of its outputs
/// (`torch.autograd.gradgradcheck`).
///
/// # Errors
/// As [`gradcheck`].
///
/// ```
/// use rustorch::{Tensor, autograd::gradgradcheck};
/// let x = Tensor::from([0.5f64, -1.5]).requires_grad_(true)?;
/// gradgradcheck(|inputs| Ok(inputs[0].tanh()), &[&x], Default::default())?;
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn gradgradcheck<O: GradcheckOutput>(
    function: impl Fn(&[Tensor]) -> Result<O>,
    inputs: &[&Tensor],
    options: GradcheckOptions,
) -> Result<()> {
    let differentiable = |inputs: &[Tensor]| -> Result<Vec<Tensor>> {
        let outputs = function(inputs)?.into_tensors();
        Ok(outputs.into_iter().filter(Tensor::requires_grad).collect())
    };
    let count = inputs.len();
    let mut all: Vec<Tensor> = copies(inputs)?;
    for (index, output) in differentiable(&all)?.iter().enumerate() {
        // Any numbers will do that are neither equal nor large.
        let values = (0..output.numel()).map(|k| {
            let at = (k + 7 * index + 1) as f64;
            Complex::new((1.7 * at).sin() + 0.2, (2.3 * at).cos())
        });
        all.push(from_numbers(&values.collect::<Vec<_>>(), output)?.requires_grad_(true)?);
    }
    let first_order = |all: &[Tensor]| -> Result<Vec<Tensor>> {
        let (inputs, grads) = all.split_at(count);
        let outputs = differentiable(inputs)?;
        let sources: Vec<&Tensor> = inputs.iter().filter(|input| input.requires_grad()).collect();
        let options = GradOptions { create_graph: true, allow_unused: true, ..Default::default() };
        let grads: Vec<Option<&Tensor>> = grads.iter().map(Some).collect();
        let result = grad(&outputs.iter().collect::<Vec<_>>(), &sources, &grads, options)?;
        Ok(result.into_iter().zip(sources).map(|(g, x)| g.unwrap_or_else(|| x.zeros_like())).collect())
    };
    check(&first_order, &all.iter().collect::<Vec<_>>(), options)
}

type Function<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

fn check(function: Function<'_>, inputs: &[&Tensor], options: GradcheckOptions) -> Result<()> {
    let leaves = copies(inputs)?;
    let checked: Vec<usize> = (0..leaves.len()).filter(|&index| leaves[index].requires_grad()).collect();
    if checked.is_empty() {
        return Err(Error::Autograd("gradcheck: no input requires gradients".into()));
    }
    let outputs = function(&leaves)?;
    for &index in &checked {
        let numerical = numerical_rows(function, &leaves, index, options.eps)?;
        for (number, output) in outputs.iter().enumerate() {
            let analytical = analytical_columns(output, &leaves[index])?;
            compare(&numerical, &analytical, (index, number), options)?;
        }
    }
    Ok(())
}

/// Leaves with the inputs' values.
#[inline]
fn copies(inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let copy = |(index, input): (usize, &&Tensor)| {
        if !input.requires_grad() {
            return Ok((*input).clone());
        }
        if !matches!(input.dtype(), DType::F64 | DType::Complex128) {
            return Err(Error::Autograd(format!(
                "gradcheck: input {index} is {}, too coarse for finite differences; use float64 or complex128",
                input.dtype()
            )));
        }
        input.detach().copy().requires_grad_(true)
    };
    inputs.iter().enumerate().map(copy).collect()
}

/// The derivatives of every output number with respect to one number of the input, for each of the input's numbers.
/// Complex numbers are two numbers, real part first.
fn numerical_rows(
    function: Function<'_>,
    leaves: &[Tensor],
    index: usize,
    eps: f64,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let values = numbers(&leaves[index])?;
    let parts = if leaves[index].dtype().is_complex() { 2 } else { 1 };
    let mut rows = Vec::with_capacity(values.len() * parts);
    for at in 0..values.len() * parts {
        let step = if at % parts == 0 { Complex::new(eps, 0.0) } else { Complex::new(0.0, eps) };
        let moved = |step: Complex<f64>| -> Result<Vec<Vec<f64>>> {
            let mut values = values.clone();
            values[at / parts] += step;
            let mut leaves = leaves.to_vec();
            leaves[index] = from_numbers(&values, &leaves[index])?.requires_grad_(true)?;
            function(&leaves)?.iter().map(real_numbers).collect()
        };
        let (above, below) = (moved(step)?, moved(-step)?);
        let difference = |(a, b): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| (a - b) / (2.0 * eps)).collect()
        };
        rows.push(above.iter().zip(&below).map(difference).collect());
    }
    Ok(rows)
}

/// The derivatives of one output number with respect to every number of the input, for each of the output's numbers.
fn analytical_columns(output: &Tensor, input: &Tensor) -> Result<Vec<Vec<f64>>> {
    let parts = if output.dtype().is_complex() { 2 } else { 1 };
    let zeros = || real_numbers(&input.zeros_like());
    let mut columns = Vec::with_capacity(output.numel() * parts);
    for at in 0..output.numel() * parts {
        if !output.requires_grad() {
            columns.push(zeros()?);
            continue;
        }
        let mut seed = vec![Complex::new(0.0, 0.0); output.numel()];
        seed[at / parts] = if at % parts == 0 { Complex::new(1.0, 0.0) } else { Complex::new(0.0, 1.0) };
        let seed = from_numbers(&seed, output)?;
        let options = GradOptions { retain_graph: true, allow_unused: true, ..Default::default() };
        let gradient = grad(&[output], &[input], &[Some(&seed)], options)?.pop().flatten();
        columns.push(gradient.as_ref().map_or_else(zeros, real_numbers)?);
    }
    Ok(columns)
}

fn compare(
    numerical: &[Vec<Vec<f64>>],
    analytical: &[Vec<f64>],
    (input, output): (usize, usize),
    options: GradcheckOptions,
) -> Result<()> {
    for (row, by_output) in numerical.iter().enumerate() {
        for (column, &expected) in by_output[output].iter().enumerate() {
            let found = analytical[column][row];
            let allowed = options.atol + options.rtol * expected.abs();
            // Written so that NaN is a difference.
            let agrees = (found - expected).abs() <= allowed || (found.is_nan() && expected.is_nan());
            if !agrees {
                return Err(Error::Autograd(format!(
                    "gradcheck: the derivative of number {column} of output {output} with respect to number {row} of \
                     input {input} is {found}, but finite differences give {expected}"
                )));
            }
        }
    }
    Ok(())
}

#[inline]
fn numbers(tensor: &Tensor) -> Result<Vec<Complex<f64>>> {
    tensor.detach().to_dtype(DType::Complex128).to_vec::<Complex<f64>>()
}

/// The elements as real numbers, two for a complex one.
#[inline]
fn real_numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    let complex = tensor.dtype().is_complex();
    let parts = |z: Complex<f64>| if complex { vec![z.re, z.im] } else { vec![z.re] };
    Ok(numbers(tensor)?.into_iter().flat_map(parts).collect())
}

/// A tensor of the shape and dtype of another.
#[inline]
fn from_numbers(values: &[Complex<f64>], like: &Tensor) -> Result<Tensor> {
    Ok(Tensor::from_slice(values, like.shape())?.to_dtype(like.dtype()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complex_functions() {
        let z = [Complex::new(0.3, -0.7), Complex::new(-1.1, 0.4)];
        let z = Tensor::from_slice(&z, [2]).unwrap().requires_grad_(true).unwrap();
        let holomorphic = |inputs: &[Tensor]| inputs[0].mul(&inputs[0].exp());
        gradcheck(holomorphic, &[&z], Default::default()).unwrap();
        gradgradcheck(holomorphic, &[&z], Default::default()).unwrap();
        let real = |inputs: &[Tensor]| inputs[0].mul(&inputs[0].conj());
        gradcheck(real, &[&z], Default::default()).unwrap();
        let wrong = |inputs: &[Tensor]| inputs[0].mul(&inputs[0].detach().conj());
        assert!(gradcheck(wrong, &[&z], Default::default()).is_err());
    }

    #[test]
    fn second_order_mistakes_are_found() {
        let x = Tensor::from([0.5f64, 2.0]).requires_grad_(true).unwrap();
        // The first derivative is right, but forgets how it depends on the input.
        struct Cube;
        impl crate::autograd::Function for Cube {
            fn forward(
                &self,
                ctx: &mut crate::autograd::FunctionContext,
                inputs: &[Tensor],
            ) -> Result<Vec<Tensor>> {
                ctx.save_for_backward(&[&inputs[0]]);
                Ok(vec![inputs[0].pow(3)?])
            }
            fn backward(&self, saved: &[Tensor], grads: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
                Ok(vec![Some(saved[0].detach().square().mul(3.0)?.mul(&grads[0])?)])
            }
        }
        let cube = |inputs: &[Tensor]| crate::autograd::apply(Cube, &[&inputs[0]]);
        gradcheck(cube, &[&x], Default::default()).unwrap();
        assert!(gradgradcheck(cube, &[&x], Default::default()).is_err());
    }
}
