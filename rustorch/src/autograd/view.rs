//! In-place operations on tensors with history, and on views of them.
//!
//! Overwriting a tensor gives it a new origin. If it is a view, the tensor whose memory it shows changes too: that
//! base gets a node which routes gradients of the overwritten part through the operation and all others past it, and
//! every view of the base derives its history anew when next asked (`CopySlices` and view regeneration in PyTorch).

use std::sync::Arc;

use super::{BackwardFn, Ctx, Edge, Grads, Node, is_grad_enabled};
use crate::layout::Layout;
use crate::{Error, Result, Tensor};

/// The edges of an in-place operation, taken before the write.
pub(crate) struct BeforeInplace {
    needed: bool,
    /// Of the tensor that is overwritten, or of its base.
    target: Option<Edge>,
    others: Vec<Option<Edge>>,
}

/// Checks that `target` may be overwritten by an operation on itself and `others`, and notes their edges.
pub(crate) fn check_inplace(op: &'static str, target: &Tensor, others: &[&Tensor]) -> Result<BeforeInplace> {
    if target.layout().may_overlap() {
        return Err(Error::argument(
            op,
            format!(
                "in place on an expanded tensor of shape {:?} and strides {:?}: several indices share an element; \
                 clone it first",
                target.shape(),
                target.strides()
            ),
        ));
    }
    let needed = is_grad_enabled()
        && target.dtype().is_differentiable()
        && (target.requires_grad() || others.iter().any(|other| other.requires_grad()));
    if !needed {
        return Ok(BeforeInplace { needed, target: None, others: Vec::new() });
    }
    let root = target.base().unwrap_or(target);
    if root.requires_grad() && root.is_leaf() {
        let what = if target.base().is_some() { "a view of a leaf" } else { "a leaf" };
        return Err(Error::Autograd(format!(
            "{op}: {what} that requires gradients is used in an in-place operation; use `no_grad` to change its value"
        )));
    }
    if target.is_inference() {
        return Err(Error::Autograd(format!("{op}: in place on a tensor made in inference mode")));
    }
    Ok(BeforeInplace {
        needed,
        target: root.gradient_edge(),
        others: others.iter().map(|other| other.gradient_edge()).collect(),
    })
}

impl BeforeInplace {
    /// Whether the operation takes part in differentiation.
    pub fn is_needed(&self) -> bool {
        self.needed
    }

    pub(super) fn record(
        self,
        op: &'static str,
        target: &Tensor,
        make: impl FnOnce() -> BackwardFn,
    ) -> Result<()> {
        if self.needed {
            self.attach(op, target, make());
        }
        Ok(())
    }

    fn attach(self, op: &'static str, target: &Tensor, backward: BackwardFn) {
        let edges = std::iter::once(self.target).chain(self.others).collect();
        match target.base() {
            None => target.set_history(Node::new(op, edges, &[target], backward), 0),
            Some(base) => {
                let backward = route_through(base.layout(), target.layout(), backward);
                base.set_history(Node::new(op, edges, &[base], backward), 0);
            }
        }
    }
}

/// Lifts the backward function of an operation on a view to the view's base.
fn route_through(base: &Layout, view: &Layout, inner: BackwardFn) -> BackwardFn {
    let (base, view) = (base.clone(), relative(base, view));
    let inner = Arc::new(inner);
    Box::new(move |ctx: &Ctx<'_>| {
        let grad = ctx.grad()?.copy_with_strides(&base)?;
        super::record("copy", &[&grad], &[ctx.grad()?], || {
            Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.clone())])))
        });
        let part = grad.as_strided(&view.shape, &view.strides, view.offset)?;
        let mut result = inner(&ctx.with_grads(&[Some(part.copy())]))?;
        match result.first_mut().and_then(Option::take) {
            Some(through) => part.copy_(&through)?,
            None => part.zero_()?,
        };
        if let Some(slot) = result.first_mut() {
            *slot = Some(grad);
        } else {
            result = Grads::from_iter([Some(grad)]);
        }
        Ok(result)
    })
}

/// The view's layout in a tensor that is laid out as the base but starts at 0.
fn relative(base: &Layout, view: &Layout) -> Layout {
    Layout { offset: view.offset - base.offset, ..view.clone() }
}

impl Tensor {
    /// Whether an operation, possibly one in place, made this tensor: then its views follow its history.
    fn was_overwritten(&self) -> bool {
        self.requires_grad_flag() && self.peek_meta(|meta| meta.history.is_some()).unwrap_or(false)
    }

    /// Whether operations on this tensor are recorded (`torch.Tensor.requires_grad`).
    pub fn requires_grad(&self) -> bool {
        self.requires_grad_flag() || self.base().is_some_and(Tensor::was_overwritten)
    }

    /// The node that computed this tensor. For a view whose base was overwritten since, a new one that leads to the
    /// base as it is now.
    pub(crate) fn history(&self) -> Option<(Arc<Node>, usize)> {
        let known = self.peek_meta(|meta| (meta.history.clone(), meta.history_version));
        let Some(base) = self.base().filter(|base| base.was_overwritten()) else {
            return known.and_then(|(history, _)| history);
        };
        let version = self.storage().version();
        if let Some((Some(history), at)) = known
            && at == version
        {
            return Some(history);
        }
        let layouts = (base.layout().clone(), relative(base.layout(), self.layout()));
        let backward: BackwardFn = Box::new(move |ctx: &Ctx<'_>| {
            let (base, view) = &layouts;
            Ok(Grads::from_iter([Some(ctx.grad()?.as_strided_backward(base, view)?)]))
        });
        let node = Node::new("as_strided", [base.gradient_edge()].into_iter().collect(), &[self], backward);
        self.set_history(node.clone(), 0);
        Some((node, 0))
    }
}
