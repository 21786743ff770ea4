//! Tensors kept for the backward pass.

use super::{Ctx, Edge};
use crate::{Error, Result, Tensor};

/// A tensor saved by an operation, checked against in-place changes when it is used.
pub(crate) struct Saved {
    tensor: Tensor,
    version: u64,
    origin: Origin,
}

/// Where a saved tensor's history comes from.
enum Origin {
    /// The tensor carries it.
    Own,
    /// A view of a tensor that may be overwritten later. Its history at the time of saving is kept in place of the
    /// view, which would lead to its base, to the base's later history, and so perhaps back to the saving node.
    View(Option<Edge>),
    /// The saving node, of which it is this output.
    Output(usize),
}

impl Saved {
    /// Saves an input, with its history.
    pub fn input(tensor: &Tensor) -> Self {
        let version = tensor.storage().version();
        if tensor.base().is_none() {
            return Self { tensor: tensor.clone(), version, origin: Origin::Own };
        }
        Self { tensor: tensor.detach(), version, origin: Origin::View(tensor.gradient_edge()) }
    }

    /// Saves the output with this index. Its history would lead back to the saving node, a cycle; it is added again
    /// in [`Saved::unpack`].
    #[inline]
    pub fn output(tensor: &Tensor, index: usize) -> Self {
        Self { tensor: tensor.detach(), version: tensor.storage().version(), origin: Origin::Output(index) }
    }

    /// The tensor as it is now, without its history.
    pub fn now(&self) -> &Tensor {
        &self.tensor
    }

    /// The tensor as it was saved.
    ///
    /// # Errors
    /// If an in-place operation has changed it since.
    pub fn unpack(&self, ctx: &Ctx<'_>) -> Result<Tensor> {
        ctx.reads_saved();
        if self.tensor.is_inference() {
            return Err(Error::Autograd(format!(
                "{} saved a tensor of shape {:?} that was made in inference mode; copy it first",
                ctx.node.op,
                self.tensor.shape()
            )));
        }
        let now = self.tensor.storage().version();
        if now != self.version {
            return Err(Error::Autograd(format!(
                "a tensor of shape {:?} that {} saved for its gradient was modified by an in-place operation: \
                 it is at version {now}, expected version {}",
                self.tensor.shape(),
                ctx.node.op,
                self.version
            )));
        }
        let history = match &self.origin {
            Origin::Output(index) => Some((ctx.node.clone(), *index)),
            Origin::View(Some(Edge::Node(node, output))) => Some((node.clone(), *output)),
            Origin::View(Some(Edge::Leaf(leaf))) => return Ok(leaf.clone()),
            Origin::View(None) | Origin::Own => None,
        };
        match history {
            Some((node, output)) if ctx.create_graph() => {
                let tensor = self.tensor.detach();
                tensor.set_history(node, output);
                Ok(tensor)
            }
            _ => Ok(self.tensor.clone()),
        }
    }
}
