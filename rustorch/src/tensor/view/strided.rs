//! Views by strides alone, which may show an element several times or leave the tensor that they are made from, as long as
//! they stay in its storage; that is why their gradient goes by way of the storage.

use smallvec::SmallVec;

use crate::layout::Layout;
use crate::tensor::checked_numel;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// Any strided view of the tensor's storage (`torch.as_strided`); sizes, strides and offset count elements.
    ///
    /// # Errors
    /// If the lists differ in length, or the view leaves the storage.
    pub fn as_strided(&self, shape: &[usize], strides: &[usize], offset: usize) -> Result<Tensor> {
        if shape.len() != strides.len() {
            return Err(Error::argument(
                "as_strided",
                format!("{} sizes but {} strides", shape.len(), strides.len()),
            ));
        }
        let layout = Layout { shape: shape.into(), strides: strides.into(), offset };
        let capacity = self.storage().bytes() / self.dtype().size();
        if checked_end(&layout).is_none_or(|end| end > capacity) {
            return Err(Error::argument(
                "as_strided",
                format!(
                    "shape {shape:?} with strides {strides:?} from {offset} leaves a storage of {capacity} elements"
                ),
            ));
        }
        let (base, view) = (self.layout().clone(), layout.clone());
        Ok(self.view_with("as_strided", layout, move |grad| grad.as_strided_backward(&base, &view)))
    }

    /// The gradient of a tensor laid out as `base` from that of its strided view `view`. Elements of the view that are
    /// not the tensor's have none to give.
    pub(crate) fn as_strided_backward(&self, base: &Layout, view: &Layout) -> Result<Tensor> {
        let start = base.offset.min(view.offset);
        let span = base.end().max(view.end()).saturating_sub(start);
        let mut flat = Tensor::try_full(&[span], 0.0, self.dtype(), self.device())?;
        if view.may_overlap() {
            // Elements seen several times receive the sum of their gradients, which scattered addition computes.
            let positions = Tensor::from_vec(linear_positions(view, start), [view.numel()])?;
            flat = flat.index_add(0, &positions, &self.reshape([view.numel()])?)?;
        } else {
            flat.as_strided(&view.shape, &view.strides, view.offset - start)?.copy_(self)?;
        }
        if base.may_overlap() {
            // What several elements of the tensor show is shared among them.
            let positions = Tensor::from_vec(linear_positions(base, start), [base.numel()])?;
            let one = Tensor::try_full(&[], 1.0, self.dtype(), self.device())?;
            let counts = flat.zeros_like().index_add(0, &positions, &one.expand([base.numel() as isize])?)?;
            flat = flat.div(&counts.masked_fill(&counts.eq(0)?, 1)?)?;
        }
        flat.as_strided(&base.shape, &base.strides, base.offset - start)
    }
}

fn checked_end(layout: &Layout) -> Option<usize> {
    if checked_numel(&layout.shape)? == 0 {
        return Some(0);
    }
    let mut end = layout.offset.checked_add(1)?;
    for (&size, &stride) in layout.shape.iter().zip(&layout.strides) {
        end = end.checked_add((size - 1).checked_mul(stride)?)?;
    }
    Some(end)
}

fn linear_positions(view: &Layout, start: usize) -> Vec<i64> {
    let mut positions: SmallVec<[i64; 16]> = SmallVec::with_capacity(view.numel());
    let stride = view.strides.last().copied().unwrap_or(0);
    crate::ops::elementwise::for_each_row(&view.shape, &view.strides, 0, view.numel(), |offset, _, len| {
        positions.extend((0..len).map(|i| (view.offset - start + offset + i * stride) as i64));
    });
    positions.into_vec()
}
