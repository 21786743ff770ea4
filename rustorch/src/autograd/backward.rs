//! The entry points of differentiation.

use super::Edge;
use super::engine::Walk;
use crate::{Error, Result, Tensor};

/// How [`grad`] and [`Tensor::backward_with`] walk the graph.
///
/// ```
/// use rustorch::autograd::GradOptions;
/// let options = GradOptions { create_graph: true, ..Default::default() };
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct GradOptions {
    /// Keep the graph's saved tensors, so that it can be walked again. Implied by `create_graph`.
    pub retain_graph: bool,
    /// Record the walk itself, so that the gradients can be differentiated.
    pub create_graph: bool,
    /// In [`grad`]: return `None` for inputs that the outputs do not depend on, instead of an error.
    pub allow_unused: bool,
}

impl Tensor {
    /// Accumulates the gradient of this scalar into every leaf it depends on (`torch.Tensor.backward`).
    ///
    /// # Errors
    /// If the tensor does not require gradients, has more than one element, or its graph was freed already.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from_slice(&[3.0f32], [])?.requires_grad_(true)?;
    /// x.square().backward()?;
    /// assert_eq!(x.grad().unwrap().item::<f32>()?, 6.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn backward(&self) -> Result<()> {
        self.backward_with(None, GradOptions::default())
    }

    /// [`Tensor::backward`] with a gradient to start from, needed for tensors of more than one element, and options.
    ///
    /// # Errors
    /// As [`Tensor::backward`]; also if `gradient` differs in shape from the tensor.
    pub fn backward_with(&self, gradient: Option<&Tensor>, options: GradOptions) -> Result<()> {
        let root = root("backward", self, gradient)?;
        walk(options, None).run(vec![root]).map(drop)
    }
}

/// The gradients of `outputs` with respect to `inputs`, without touching any tensor's `.grad()`
/// (`torch.autograd.grad`). `grad_outputs` may be empty if every output has one element.
///
/// # Errors
/// If an output does not require gradients, if an input does not or is not reached (unless `allow_unused`), or if a
/// gradient has the wrong shape.
///
/// ```
/// use rustorch::{Tensor, autograd::{GradOptions, grad}};
/// let x = Tensor::from_slice(&[2.0f64], [])?.requires_grad_(true)?;
/// let y = x.pow(3)?;
/// let create = GradOptions { create_graph: true, ..Default::default() };
/// let dy = grad(&[&y], &[&x], &[], create)?.remove(0).unwrap();
/// let ddy = grad(&[&dy], &[&x], &[], GradOptions::default())?.remove(0).unwrap();
/// assert_eq!((dy.item::<f64>()?, ddy.item::<f64>()?), (12.0, 12.0));
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn grad(
    outputs: &[&Tensor],
    inputs: &[&Tensor],
    grad_outputs: &[Option<&Tensor>],
    options: GradOptions,
) -> Result<Vec<Option<Tensor>>> {
    if !grad_outputs.is_empty() && grad_outputs.len() != outputs.len() {
        return Err(Error::Autograd(format!(
            "grad: {} outputs but {} gradients for them",
            outputs.len(),
            grad_outputs.len()
        )));
    }
    let roots = outputs
        .iter()
        .enumerate()
        .map(|(index, output)| root("grad", output, grad_outputs.get(index).copied().flatten()))
        .collect::<Result<Vec<_>>>()?;
    let edge = |(index, input): (usize, &&Tensor)| {
        input
            .gradient_edge()
            .ok_or_else(|| Error::Autograd(format!("grad: input {index} does not require gradients")))
    };
    let targets = inputs.iter().enumerate().map(edge).collect::<Result<Vec<_>>>()?;
    let captured = walk(options, Some(&targets)).run(roots)?;
    if let (false, Some(index)) = (options.allow_unused, captured.iter().position(Option::is_none)) {
        return Err(Error::Autograd(format!(
            "grad: the outputs do not depend on input {index}; set `allow_unused` to get `None` for it"
        )));
    }
    Ok(captured)
}

fn walk(options: GradOptions, capture: Option<&[Edge]>) -> Walk<'_> {
    let GradOptions { retain_graph, create_graph, .. } = options;
    Walk { retain_graph: retain_graph || create_graph, create_graph, capture }
}

fn root(op: &str, output: &Tensor, gradient: Option<&Tensor>) -> Result<(Edge, Tensor)> {
    let edge = output.gradient_edge().ok_or_else(|| {
        Error::Autograd(format!(
            "{op}: the output does not require gradients and was not computed from a tensor that does"
        ))
    })?;
    let gradient = match gradient {
        Some(gradient) if gradient.shape() != output.shape() => {
            return Err(Error::Autograd(format!(
                "{op}: a gradient of shape {:?} for an output of shape {:?}",
                gradient.shape(),
                output.shape()
            )));
        }
        Some(gradient) if gradient.dtype().is_complex() != output.dtype().is_complex() => {
            return Err(Error::Autograd(format!(
                "{op}: a gradient of dtype {} for an output of dtype {}; both are real or both are complex",
                gradient.dtype(),
                output.dtype()
            )));
        }
        Some(gradient) => gradient.to_dtype(output.dtype()),
        None if output.dtype().is_complex() => {
            return Err(Error::Autograd(format!(
                "{op}: a gradient is implied only for real outputs, but the output is {}; pass a gradient",
                output.dtype()
            )));
        }
        None if output.numel() == 1 => {
            Tensor::try_full(output.shape(), 1.0, output.dtype(), output.device())?
        }
        None => {
            return Err(Error::Autograd(format!(
                "{op}: a gradient is implied only for outputs of one element, but the output has shape {:?}; \
                 reduce it, or pass a gradient",
                output.shape()
            )));
        }
    };
    Ok((edge, gradient))
}
