//! In-place operations on tensors with history, and on views of them.
//!
//! Overwriting a tensor gives it a new origin. If it is a view, the tensor whose memory it shows changes too: that
//! base gets a node which routes gradients of the overwritten part through the operation and all others past it, and
//! every view of the base derives its history anew when next asked (`CopySlices` and view regeneration in PyTorch).

use std::sync::Arc;

use super::{BackwardFn, Ctx, Edge, Grads, Node, is_grad_enabled, is_inference_mode_enabled};
use crate::layout::Layout;
use crate::{DType, Error, Result, Tensor};

/// The edges of an in-place operation, taken before the write.
pub(crate) struct BeforeInplace {
    needed: bool,
    /// Of the tensor that is overwritten, or of its base.
    target: Option<Edge>,
    others: Vec<Option<Edge>>,
}

/// Checks that `target` may be overwritten by an operation on itself and `others`, and notes their edges.
#[inline]
pub(crate) fn check_inplace(op: &'static str, target: &Tensor, others: &[&Tensor]) -> Result<BeforeInplace> {
    if target.layout().overlaps() {
        return Err(Error::argument(
            op,
            format!(
                "in place on an expanded tensor of shape {:?} and strides {:?}: several indices share an element; \
                 write to a `copy()` of it",
                target.shape(),
                target.strides()
            ),
        ));
    }
    check_overwrite(op, target, others)
}

/// [`check_inplace`] for operations that give every element the same value, so that elements may be seen several times.
pub(crate) fn check_overwrite(
    op: &'static str,
    target: &Tensor,
    others: &[&Tensor],
) -> Result<BeforeInplace> {
    let needed = is_grad_enabled()
        && target.dtype().is_differentiable()
        && (target.requires_grad() || others.iter().any(|other| other.requires_grad()));
    if target.is_inference() && !is_inference_mode_enabled() {
        return Err(Error::Autograd(format!(
            "{op}: in place on a tensor made in inference mode, outside that mode; copy it first"
        )));
    }
    refuse_unrecorded_view(op, target, others)?;
    if !needed {
        return Ok(BeforeInplace { needed, target: None, others: Vec::new() });
    }
    let root = target.base().unwrap_or(target);
    let is_leaf = |tensor: &Tensor| tensor.requires_grad() && tensor.is_leaf();
    if is_leaf(root) || is_leaf(target) {
        // A view may itself be a leaf: one of a tensor that requires no gradients.
        let what = if is_leaf(target) { "a leaf" } else { "a view of a leaf" };
        return Err(Error::Autograd(format!(
            "{op}: {what} that requires gradients is used in an in-place operation; use `no_grad` to change its value"
        )));
    }
    Ok(BeforeInplace {
        needed,
        target: root.gradient_edge(),
        others: others.iter().map(|other| other.gradient_edge()).collect(),
    })
}

/// The base of a view that was made while nothing was recorded would not learn of a recorded operation on the view.
fn refuse_unrecorded_view(op: &'static str, target: &Tensor, others: &[&Tensor]) -> Result<()> {
    let Some(base) = target.unrecorded_base().filter(|_| is_grad_enabled()) else { return Ok(()) };
    if !base.requires_grad() && !others.iter().any(|other| other.requires_grad()) {
        return Ok(());
    }
    Err(Error::Autograd(format!(
        "{op}: a view made in `no_grad` or inference mode of a tensor that takes part in differentiation is used in an \
         in-place operation that is recorded; make the view outside that mode, or change it inside"
    )))
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
                let backward = route_through(Place::new(base, target), backward);
                base.set_history(Node::new("copy_slices", edges, &[base], backward), 0);
            }
        }
    }
}

/// Lifts the backward function of an operation on a view to the view's base.
fn route_through(place: Place, inner: BackwardFn) -> BackwardFn {
    Box::new(move |ctx: &Ctx<'_>| {
        let grad = ctx.grad()?.copy_with_strides(&place.base)?;
        super::record("copy", &[&grad], &[ctx.grad()?], || {
            Box::new(|ctx| Ok(Grads::from_iter([Some(ctx.grad()?.clone())])))
        });
        let part = place.part_of(&grad)?;
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

/// Where a view lies in its base.
struct Place {
    base: Layout,
    base_dtype: DType,
    view: Layout,
    dtype: DType,
}

impl Place {
    #[inline]
    fn new(base: &Tensor, view: &Tensor) -> Self {
        Self {
            base: base.layout().clone(),
            base_dtype: base.dtype(),
            view: view.layout().clone(),
            dtype: view.dtype(),
        }
    }

    /// The same part of a tensor that is laid out as the base but starts at 0. Views of complex numbers as real ones, and
    /// the other way round, count elements of another size than their base.
    fn part_of(&self, whole: &Tensor) -> Result<Tensor> {
        let (elements, start) = match (self.base_dtype.is_complex(), self.dtype.is_complex()) {
            (true, false) => (whole.view_as_real()?, Some(2 * self.base.offset)),
            (false, true) => {
                let pairs = whole.layout().end() / 2;
                let pairs = whole.as_strided(&[pairs, 2], &[2, 1], 0)?.view_as_complex()?;
                (pairs, self.base.offset.is_multiple_of(2).then_some(self.base.offset / 2))
            }
            _ => (whole.clone(), Some(self.base.offset)),
        };
        let offset = start.and_then(|start| self.view.offset.checked_sub(start)).ok_or_else(|| {
            Error::Autograd(
                "in place on a view that begins before its base, or between two of its elements".into(),
            )
        })?;
        elements.as_strided(&self.view.shape, &self.view.strides, offset)
    }

    /// The gradient of the base from that of the view.
    fn spread(&self, grad: &Tensor) -> Result<Tensor> {
        if self.base_dtype == self.dtype {
            return grad.as_strided_backward(&self.base, &self.view);
        }
        let zero = Tensor::try_full(&[], 0.0, self.base_dtype, grad.device())?;
        let whole = zero.expand(self.base.shape.as_slice())?.copy_with_strides(&self.base)?;
        self.part_of(&whole)?.copy_(grad)?;
        Ok(whole)
    }
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
        let place = Place::new(base, self);
        let backward: BackwardFn =
            Box::new(move |ctx: &Ctx<'_>| Ok(Grads::from_iter([Some(place.spread(ctx.grad()?)?)])));
        let node = Node::new("as_strided", [base.gradient_edge()].into_iter().collect(), &[self], backward);
        self.set_history(node.clone(), 0);
        Some((node, 0))
    }
}
