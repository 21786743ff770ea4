//! Operations with a gradient of the user's own.

use super::{Ctx, Grads, Saved, no_grad, record};
use crate::{Error, Result, Tensor};

/// An operation with its own backward rule (`torch.autograd.Function`).
///
/// ```
/// use rustorch::{Result, Tensor, autograd::{self, Function, FunctionContext}};
///
/// /// `exp`, remembering its result.
/// struct Exp;
///
/// impl Function for Exp {
///     fn forward(&self, ctx: &mut FunctionContext, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
///         let y = inputs[0].exp();
///         ctx.save_for_backward(&[&y]);
///         Ok(vec![y])
///     }
///     fn backward(&self, saved: &[Tensor], grads: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
///         Ok(vec![Some(grads[0].mul(&saved[0])?)])
///     }
/// }
///
/// let x = Tensor::zeros([2]).requires_grad_(true)?;
/// autograd::apply(Exp, &[&x])?[0].sum().backward()?;
/// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [1.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub trait Function: Send + Sync + 'static {
    /// Computes the outputs, without being recorded, and saves what the gradient needs.
    fn forward(&self, ctx: &mut FunctionContext, inputs: &[Tensor]) -> Result<Vec<Tensor>>;

    /// Computes the inputs' gradients from the saved tensors and the outputs' gradients (zeros where none flowed).
    /// Written with tensor operations it can be differentiated again.
    fn backward(&self, saved: &[Tensor], grads: &[Tensor]) -> Result<Vec<Option<Tensor>>>;
}

/// What a [`Function`] leaves for its backward pass.
#[derive(Default)]
pub struct FunctionContext {
    saved: Vec<Tensor>,
}

impl FunctionContext {
    /// Saves inputs, outputs or intermediates; an in-place change to one of them before backward is then an error.
    #[inline]
    pub fn save_for_backward(&mut self, tensors: &[&Tensor]) {
        self.saved.extend(tensors.iter().map(|&tensor| tensor.clone()));
    }
}

/// Runs a [`Function`] and records it (`torch.autograd.Function.apply`).
///
/// # Errors
/// What the function returns; during backward, if it returns another number of gradients than it had inputs.
pub fn apply(function: impl Function, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let owned: Vec<Tensor> = inputs.iter().map(|&input| input.clone()).collect();
    let mut context = FunctionContext::default();
    let outputs = no_grad(|| function.forward(&mut context, &owned))?;
    // An input returned as it is would otherwise become its own origin.
    let outputs: Vec<Tensor> = outputs
        .into_iter()
        .map(|output| if owned.iter().any(|input| input.is_same(&output)) { output.detach() } else { output })
        .collect();
    let references: Vec<&Tensor> = outputs.iter().collect();
    record("custom function", &references, inputs, || {
        let position = |tensor: &Tensor| outputs.iter().position(|output| output.is_same(tensor));
        let save = |tensor: &Tensor| match position(tensor) {
            Some(index) => Saved::output(tensor, index),
            None => Saved::input(tensor),
        };
        let saved: Vec<Saved> = context.saved.iter().map(save).collect();
        let (arity, results) = (inputs.len(), outputs.len());
        Box::new(move |ctx: &Ctx<'_>| {
            let saved = saved.iter().map(|saved| saved.unpack(ctx)).collect::<Result<Vec<_>>>()?;
            let grads =
                (0..results).map(|index| ctx.output_grad_or_zeros(index)).collect::<Result<Vec<_>>>()?;
            let result = function.backward(&saved, &grads)?;
            if result.len() != arity {
                return Err(Error::Autograd(format!(
                    "custom function: backward returned {} gradients for {arity} inputs",
                    result.len()
                )));
            }
            Ok(Grads::from_vec(result))
        })
    });
    Ok(outputs)
}
