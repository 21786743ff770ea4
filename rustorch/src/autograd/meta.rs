//! The part of a tensor that differentiation uses.

use std::sync::Arc;

use super::hooks::HookList;
use super::{Edge, Node};
use crate::{Error, Result, Tensor};

/// Present only on tensors that take, or took, part in differentiation.
#[derive(Default)]
pub(crate) struct Meta {
    pub grad: Option<Tensor>,
    /// The node that computed the tensor, and which of its outputs the tensor is.
    pub history: Option<(Arc<Node>, usize)>,
    /// The storage's version for which `history` of a view holds.
    pub history_version: u64,
    pub hooks: Option<HookList>,
    pub retains_grad: bool,
}

impl Tensor {
    /// Starts or stops recording operations on this leaf, in place (`torch.Tensor.requires_grad_`).
    ///
    /// # Errors
    /// For integer and bool tensors, for tensors made in inference mode, and for stopping on a tensor that is not a
    /// leaf (use [`Tensor::detach`]).
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::ones([2]).requires_grad_(true)?;
    /// (&x * &x).sum().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn requires_grad_(&self, requires_grad: bool) -> Result<Tensor> {
        if requires_grad && !self.dtype().is_differentiable() {
            return Err(Error::DType {
                op: "requires_grad_",
                dtype: self.dtype(),
                expected: "a floating-point or complex dtype",
            });
        }
        if requires_grad && self.is_inference() {
            return Err(Error::Autograd(
                "requires_grad_: the tensor was made in inference mode; clone it first".into(),
            ));
        }
        if !self.is_leaf() {
            if requires_grad {
                return Ok(self.clone());
            }
            return Err(Error::Autograd(
                "requires_grad_(false): the tensor is not a leaf; use `detach`".into(),
            ));
        }
        self.set_requires_grad_flag(requires_grad);
        Ok(self.clone())
    }

    /// Whether no recorded operation made this tensor (`torch.Tensor.is_leaf`).
    pub fn is_leaf(&self) -> bool {
        self.history().is_none()
    }

    /// The accumulated gradient, if any (`torch.Tensor.grad`).
    pub fn grad(&self) -> Option<Tensor> {
        self.peek_meta(|meta| meta.grad.clone()).flatten()
    }

    /// Replaces or clears the gradient.
    ///
    /// # Errors
    /// If the gradient's shape, dtype or device differ from the tensor's, or it is the tensor.
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        if let Some(grad) = &grad {
            if grad.is_same(self) {
                return Err(Error::Autograd("set_grad: a tensor cannot be its own gradient".into()));
            }
            if grad.shape() != self.shape() || grad.dtype() != self.dtype() || grad.device() != self.device()
            {
                return Err(Error::Autograd(format!(
                    "set_grad: the gradient is {:?} {} on {}, but the tensor is {:?} {} on {}",
                    grad.shape(),
                    grad.dtype(),
                    grad.device(),
                    self.shape(),
                    self.dtype(),
                    self.device()
                )));
            }
        } else if self.peek_meta(|_| ()).is_none() {
            return Ok(());
        }
        self.with_meta(|meta| meta.grad = grad);
        Ok(())
    }

    /// The name of the operation that made this tensor, if it was recorded (`torch.Tensor.grad_fn`).
    pub fn grad_fn(&self) -> Option<&'static str> {
        self.history().map(|(node, _)| node.op)
    }

    /// A tensor with the same memory that is not recorded (`torch.Tensor.detach`).
    pub fn detach(&self) -> Tensor {
        self.alias(self.layout().clone(), None)
    }

    /// Makes this tensor a leaf that is not recorded, in place (`torch.Tensor.detach_`).
    ///
    /// # Errors
    /// If this is a view of a tensor that takes part in differentiation, whose history is its own as well.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::ones([2]).requires_grad_(true)?.exp();
    /// assert!(!y.detach_()?.requires_grad() && y.is_leaf());
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn detach_(&self) -> Result<Tensor> {
        if self.base().is_some() {
            return Err(Error::Autograd(
                "detach_: the tensor is a view, whose history is that of its base; use `detach`".into(),
            ));
        }
        if self.peek_meta(|_| ()).is_some() {
            self.with_meta(|meta| meta.history = None);
        }
        self.set_requires_grad_flag(false);
        Ok(self.clone())
    }

    /// Where gradients of this tensor go; `None` if it requires none.
    pub(crate) fn gradient_edge(&self) -> Option<Edge> {
        if !self.requires_grad() {
            return None;
        }
        Some(match self.history() {
            Some((node, output)) => Edge::Node(node, output),
            None => Edge::Leaf(self.clone()),
        })
    }

    /// Makes `node` the origin of this tensor.
    pub(crate) fn set_history(&self, node: Arc<Node>, output: usize) {
        let version = self.storage().version();
        self.with_meta(|meta| {
            let old = meta.history.replace((node.clone(), output));
            meta.history_version = version;
            if let (true, Some((old, _))) = (meta.retains_grad, old) {
                // The gradient that is kept is that of the tensor as it is now.
                old.hooks.move_retained(self, &node.hooks, output);
            }
        });
        self.set_requires_grad_flag(true);
    }

    /// Adds to the gradient of a leaf, or of a tensor that retains it.
    pub(crate) fn accumulate_grad(&self, grad: Tensor) -> Result<()> {
        let recorded = super::is_grad_enabled();
        match self.grad() {
            None => {
                // What comes later is added in place, so that no element may lie at several indices, and none be shared
                // with another tensor.
                let mut grad = grad;
                if !recorded {
                    grad = grad.into_unshared()?;
                } else if !(grad.is_unshared() && grad.is_contiguous()) {
                    grad = grad.copy();
                }
                self.with_meta(|meta| meta.grad = Some(grad));
            }
            Some(old) if recorded => {
                let sum = old.add(&grad)?;
                self.with_meta(|meta| meta.grad = Some(sum));
            }
            Some(old) => {
                old.add_(&grad)?;
            }
        }
        Ok(())
    }
}
