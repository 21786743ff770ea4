//! Every so many positions of an axis.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::kernels::parallel::{self, Shared};
use crate::{DType, Result};

/// Which positions: `count` of them, `step` apart from `start` on, of `len`; before the axis `outer` and behind it `inner` elements of
/// `size` bytes each.
#[derive(Clone, Copy)]
struct Positions {
    outer: usize,
    len: usize,
    start: usize,
    step: usize,
    count: usize,
    inner: usize,
    size: usize,
}

impl Positions {
    #[inline]
    fn of(
        (axis, start, step): (usize, usize, usize),
        shape: &[usize],
        output: &[usize],
        dtype: DType,
    ) -> Self {
        let (outer, inner) = (numel(&shape[..axis]), numel(&shape[axis + 1..]));
        Self { outer, len: shape[axis], start, step, count: output[axis], inner, size: dtype.size() }
    }

    /// Copies the positions out of the whole, or, `back`, into it.
    ///
    /// # Safety
    /// The whole has `outer · len · inner` elements, the part `outer · count · inner`; they do not overlap.
    unsafe fn copy(self, whole: *mut u8, part: *mut u8, back: bool) {
        let shared = Shared((whole, part));
        let row = (self.count * self.inner).max(1);
        parallel::for_each_chunk(self.outer, (parallel::GRAIN / row).max(1), |rows| {
            let (whole, part) = shared.get();
            for (outer, at) in rows.flat_map(|outer| (0..self.count).map(move |at| (outer, at))) {
                let there = (outer * self.len + self.start + at * self.step) * self.inner * self.size;
                let here = (outer * self.count + at) * self.inner * self.size;
                let (there, here) = (whole.wrapping_add(there), part.wrapping_add(here));
                let (from, to) = if back { (here, there) } else { (there, here) };
                // SAFETY: the caller's promise; rows are disjoint.
                unsafe {
                    match self.inner * self.size {
                        4 => to.cast::<u32>().write_unaligned(from.cast::<u32>().read_unaligned()),
                        bytes => std::ptr::copy_nonoverlapping(from, to, bytes),
                    }
                }
            }
        });
    }
}

impl Pass {
    /// Positions of an axis that are `step` apart, from `start` on: `x[.., start..end; step]`.
    ///
    /// # Errors
    /// If it is unknown what the elements are.
    #[inline]
    pub fn slice(
        &mut self,
        inputs: &[(Buf, &[usize])],
        options: (usize, usize, usize),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        let dtype = self.expect_known(x, "a tensor to be taken apart")?;
        let (axis, start, step) = options;
        let last =
            outputs[0][axis].checked_sub(1).map(|last| start.saturating_add(last.saturating_mul(step)));
        if last.is_some_and(|last| last >= shape[axis]) {
            return self.refuse(format!(
                "position {start} and those behind it are outside axis {axis}, which has size {}",
                shape[axis]
            ));
        }
        let y = self.result_like(x, dtype, numel(outputs[0]));
        if !self.planning {
            // SAFETY: buffers of the pass of these shapes.
            unsafe { Positions::of(options, shape, outputs[0], dtype).copy(x.ptr, y.ptr, false) };
        }
        self.save(x, false);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::slice`]: zeros at the other positions.
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn slice_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        options: (usize, usize, usize),
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let x = self.saved();
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            // SAFETY: buffers of the pass of these shapes.
            unsafe {
                dx.f32().write_bytes(0, dx.len);
                Positions::of(options, shapes[0], outputs[0], DType::F32).copy(dx.ptr, g.ptr, true);
            }
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}
