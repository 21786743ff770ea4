//! Reverse-mode automatic differentiation with PyTorch's semantics.
//!
//! Operations on tensors that require gradients leave [`Node`]s on a tape: a graph that hangs together only by the
//! references from each result to the node that made it, and from there to the nodes of its inputs. [`Tensor::backward`]
//! walks it ([`engine`]). Backward rules are written with tensor operations, so a walk with `create_graph` records
//! itself and can be differentiated again.
//!
//! Invariants:
//! - the engine never names an operation, an operation never names the engine;
//! - a node never refers to its own outputs ([`Saved::output`] keeps them without their history), so graphs have no
//!   cycles and die with their last result;
//! - nodes are dropped by a loop, never by recursion, so the depth of a graph is bounded by memory alone.

mod backward;
mod engine;
mod function;
mod gradcheck;
mod hooks;
mod meta;
mod mode;
mod node;
mod saved;
mod view;

pub use backward::{GradOptions, grad};
pub use function::{Function, FunctionContext, apply};
pub use gradcheck::{GradcheckOptions, GradcheckOutput, gradcheck, gradgradcheck};
pub use hooks::HookHandle;
pub use mode::{
    GradMode, enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad,
    set_grad_enabled,
};

pub(crate) use meta::Meta;
pub(crate) use mode::outside_inference_mode;
pub(crate) use node::{BackwardFn, Ctx, Edge, Grads, Node};
pub(crate) use saved::Saved;
pub(crate) use view::{check_inplace, check_overwrite};

use crate::{Result, Tensor};

/// Whether an operation on these inputs is to be recorded.
#[inline]
pub(crate) fn is_needed(inputs: &[&Tensor]) -> bool {
    is_grad_enabled() && inputs.iter().any(|input| input.requires_grad())
}

/// Records that `outputs` were computed from `inputs`. `make` builds the backward function and is called only when
/// the result takes part in differentiation, so whatever it saves costs nothing otherwise.
///
/// The function receives a gradient per output and returns one per input, in order; entries for inputs that need none
/// ([`Ctx::needs`]) may be `None`.
pub(crate) fn record(
    op: &'static str,
    outputs: &[&Tensor],
    inputs: &[&Tensor],
    make: impl FnOnce() -> BackwardFn,
) {
    if is_wanted(outputs, inputs) {
        attach(op, outputs, inputs, make());
    }
}

/// Whether [`record`] has something to do.
#[inline(never)]
fn is_wanted(outputs: &[&Tensor], inputs: &[&Tensor]) -> bool {
    is_needed(inputs) && outputs.iter().any(|output| output.dtype().is_differentiable())
}

/// The result of other operations as that of one which they make up: a node of that name stands before theirs.
pub(crate) fn named(op: &'static str, result: Tensor) -> Tensor {
    if !is_needed(&[&result]) {
        return result;
    }
    let output = result.alias(result.layout().clone(), None);
    attach(op, &[&output], &[&result], Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.clone())]))));
    output
}

/// The part of [`record`] that does not differ from one operation to the next; compiled once.
#[inline(never)]
fn attach(op: &'static str, outputs: &[&Tensor], inputs: &[&Tensor], backward: BackwardFn) {
    let edges = inputs.iter().map(|input| input.gradient_edge()).collect();
    let node = Node::new(op, edges, outputs, backward);
    for (index, output) in outputs.iter().enumerate() {
        if output.dtype().is_differentiable() {
            output.set_history(node.clone(), index);
        }
    }
}

/// What gives the gradient of what an operation overwrites: zeros, if they are asked for. Those of a part are put in
/// place without being made, as the part may show an element several times.
#[inline]
pub(crate) fn overwritten(
    target: &Tensor,
) -> impl Fn(&Ctx<'_>) -> Result<Option<Tensor>> + Send + Sync + use<> {
    let whole = target.base().is_none();
    move |ctx| (whole && ctx.needs(0)).then(|| Ok(ctx.grad()?.zeros_like())).transpose()
}

/// Records that an operation without a gradient met an input that asks for one: backward through it is an error that
/// names the operation, not a silent zero.
pub(crate) fn record_not_differentiable(op: &'static str, output: &Tensor, inputs: &[&Tensor]) {
    record(op, &[output], inputs, || not_differentiable(op));
}

/// The backward function of an operation without a gradient.
pub(crate) fn not_differentiable(op: &'static str) -> BackwardFn {
    Box::new(move |_| {
        Err(crate::Error::Autograd(format!("{op} has no gradient; detach its inputs if none is needed")))
    })
}

/// Records that `target` was overwritten in place by an operation on `inputs`, of which `target` in its old state is
/// the first. Call it after the write, with the edges taken before it by [`check_inplace`].
pub(crate) fn record_inplace(
    op: &'static str,
    target: &Tensor,
    before: view::BeforeInplace,
    make: impl FnOnce() -> BackwardFn,
) -> Result<()> {
    target.storage().bump_version();
    before.record(op, target, make)
}
