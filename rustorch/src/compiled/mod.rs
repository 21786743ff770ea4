//! Compiled networks: what `model!` generates besides the op-by-op pass.
//!
//! The macro knows every shape, so it also writes a forward pass and its backward pass as straight lines of calls to the
//! methods of [`Pass`], which call kernels on buffers of one arena: no tape, no allocation per operation. This module runs
//! them: [`run::forward`] plans the memory of a pass when it first sees its shapes ([`plan`]), keeps plans and arenas in
//! the network ([`cache`]), and enters the whole network into the tape as one node.
//!
//! Every network that `model!` accepts is compiled. It is run op by op instead where the compiled pass does not apply:
//! on other devices, for other dtypes than `f32` (indices and masks may be what they are), for tensors without elements,
//! for layers whose parameters have been replaced by others of another shape, for submodels that `model!` did not declare,
//! and when gradients are themselves to be differentiated. Results are the same up to rounding. [`explain`] says which of
//! these it is; [`op_by_op`] asks for it, for comparisons.

mod attentive;
mod buf;
mod cache;
mod criterion;
mod explain;
mod into;
mod ops;
mod parameters;
mod pass;
mod plan;
mod results;
mod run;
mod submodel;
mod tape;
mod train;
mod versions;

use std::cell::Cell;

use smallvec::SmallVec;

pub use cache::Report;
pub use criterion::{Criterion, Tokens, Workspace};
pub use explain::{Explanation, Step, explain};
pub use into::forward_into;
use pass::{Buf, Grad, Pass};
pub use train::TrainStep;

/// What `model!` expands to; no public interface.
#[doc(hidden)]
pub mod expansion {
    pub use super::Compiled;
    pub use super::attentive::{Attentive, Block, Heads};
    pub use super::buf::Contents;
    pub use super::cache::Cache;
    pub use super::into::write;
    pub use super::ops::{
        Arrange, Chain, ChannelNorm, Contractions, Conv3d, ConvTranspose, Fold, GroupNorm, InstanceNorm,
        Interpolation, Link, Map, Masks, Picks, Pool, Recurrence, Reduce, RowNorm, Running, Side, Slope,
        Slopes, alpha_factors, operators,
    };
    pub use super::pass::{Buf, Grad, Pass};
    pub use super::run::{Read, Tensors, check_count, check_rank, forward, has_shape, has_shapes};
    pub use super::submodel::{Probe, Uncompiled, array};
    pub use crate::ops::elementwise::chain::{EvalAll, value, values};
    pub use crate::ops::elementwise::words::{Word, Words, value_by_words, values_by_words};
}

use crate::nn::Module;
use crate::{Result, Tensor};

/// What `model!` implements for a network that it could compile.
pub trait Compiled: Module + Sized + 'static {
    /// The number of inputs.
    const INPUTS: usize;

    /// The number of outputs.
    const OUTPUTS: usize;

    /// The steps of a pass, in order, as [`explain`] prints them.
    const SCHEDULE: &'static [&'static str];

    /// The plans and arenas of this network.
    fn cache(&self) -> &cache::Cache;

    /// The same network under a second handle, sharing its parameters; `None` if a submodel is not compiled.
    fn handle(&self) -> Option<Self>;

    /// Whether the parameters have the shapes with which they were declared: fields are public, and kernels trust sizes.
    fn fits(&self) -> bool;

    /// Checks the shapes of inputs of which no type says anything.
    ///
    /// # Errors
    /// If one differs from the declaration.
    fn check(&self, inputs: &[&Tensor]) -> Result<()>;

    /// The forward pass on buffers of these shapes.
    ///
    /// # Errors
    /// Those of its operations.
    fn run(&self, pass: &mut Pass, inputs: &[Buf], shapes: &[&[usize]], outputs: &mut [Buf]) -> Result<()>;

    /// The backward pass: from the gradients of the outputs to those of the inputs and parameters.
    ///
    /// # Errors
    /// Those of its operations.
    fn derive(
        &self,
        pass: &mut Pass,
        shapes: &[&[usize]],
        outputs: &[Grad],
        inputs: &mut [Grad],
    ) -> Result<()>;

    /// The forward pass by operations on tensors.
    ///
    /// # Errors
    /// Those of its operations.
    fn eager(&self, inputs: &[&Tensor]) -> Result<SmallVec<[Tensor; 2]>>;
}

thread_local! {
    static DISABLED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with every network of this thread op by op instead of compiled.
///
/// ```
/// use rustorch::prelude::*;
/// use rustorch::compiled::op_by_op;
///
/// model! { pub Net: [batch, 4] -> [batch, 2] { fc: Linear(2), Tanh } }
///
/// let (net, x) = (Net::new(), Tensor::randn([3, 4]));
/// let compiled = Layer::forward(&net, &x)?;
/// let eager = op_by_op(|| Layer::forward(&net, &x))?;
/// assert!(compiled.allclose(&eager, 1e-5, 1e-6)?);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn op_by_op<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            DISABLED.set(self.0);
        }
    }
    let _restore = Restore(DISABLED.replace(true));
    f()
}

/// Whether networks of this thread run compiled.
fn is_enabled() -> bool {
    !DISABLED.get()
}
