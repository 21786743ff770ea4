//! Elements of an axis by their order: sorting, the first of it, the extrema's places.

use super::super::{Buf, Grad, Pass};
use super::numel;
use super::pick::Picks;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::kernels::reduce::{Plan, arg};
use crate::kernels::scratch;
use crate::kernels::sort::{SortKey, first_of_row, sort_row, with_scratch};
use crate::layout::contiguous_strides;
use crate::{DType, Result};

/// Rows along an axis, whose elements are `step` apart.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub count: usize,
    pub len: usize,
    pub step: usize,
}

impl Rows {
    pub fn of(shape: &[usize], axis: usize) -> Self {
        let step = numel(&shape[axis + 1..]);
        Self { count: numel(&shape[..axis]) * step, len: shape[axis], step }
    }

    /// The place of a row's first element.
    pub fn start(self, row: usize) -> usize {
        row / self.step * self.len * self.step + row % self.step
    }
}

impl Pass {
    /// A buffer for `len` positions.
    fn positions(&mut self, len: usize) -> Buf {
        self.decline();
        Buf { dtype: Some(DType::I64), ..self.allocate(len, DType::I64.size(), false) }
    }

    /// The entries of an axis in order, as many as the result has of them, and where they stood: `sort` and `topk`.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn in_order(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axis, descending): (usize, bool),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        let dtype = self.expect_known(x, "a tensor to be put in order")?;
        if !matches!(dtype, DType::I64 | DType::I32) {
            self.expect_numbers(x, "a tensor to be put in order")?;
        }
        let (from, to) = (Rows::of(shape, axis), Rows::of(outputs[0], axis));
        if u32::try_from(from.len).is_err() || to.len > from.len {
            self.refuse(format!("{} entries of {} in order", to.len, from.len))?;
        }
        let len = numel(outputs[0]);
        let places = self.positions(len);
        let grad = self.recording && x.grad;
        let y = Buf { dtype: Some(dtype), ..self.allocate(len, dtype.size(), grad) };
        if !self.planning {
            // SAFETY: buffers of the pass of these shapes, with elements of these types.
            unsafe {
                match dtype {
                    DType::I64 => sort_rows::<i64>(x.ptr, [from, to], descending, y.ptr, places.ptr),
                    DType::I32 => sort_rows::<i32>(x.ptr, [from, to], descending, y.ptr, places.ptr),
                    _ => sort_rows::<f32>(x.ptr, [from, to], descending, y.ptr, places.ptr),
                }
            }
        }
        self.save(x, false);
        self.save(places, grad);
        (made[0], made[1]) = (y, places);
        Ok(())
    }

    /// The gradient of [`Pass::in_order`]: that of the entries goes where they stood.
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn in_order_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (axis, _): (usize, bool),
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (places, x) = (self.saved(), self.saved());
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            let picks = Picks { op: "sort", axis, each: true, wraps: false };
            self.add_at(g, places, picks, [shapes[0], outputs[0], outputs[0]], dx)?;
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }

    /// Where along an axis the largest element stands, or the smallest: the first of several.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn extreme(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axis, largest): (usize, bool),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "a tensor of which the extrema are looked for")?;
        if shape[axis] == 0 {
            self.refuse("an empty axis has no extremum".into())?;
        }
        let plan = self.fact(|| {
            let reduced: Vec<bool> = (0..shape.len()).map(|other| other == axis).collect();
            Ok(Plan::new(shape, &contiguous_strides(shape), &reduced))
        })?;
        let places = self.positions(numel(outputs[0]));
        if !self.planning {
            let (from, to) = (x.f32().cast_const(), places.ptr.cast());
            // SAFETY: buffers of the pass of these shapes.
            unsafe {
                match largest {
                    true => arg::<f32, true>(&plan, from, std::ptr::null_mut(), to),
                    false => arg::<f32, false>(&plan, from, std::ptr::null_mut(), to),
                }
            }
        }
        made[0] = places;
        Ok(())
    }

    /// Places have no gradient.
    ///
    /// # Errors
    /// None.
    pub fn extreme_backward(
        &mut self,
        _: &[Grad],
        _: &[&[usize]],
        _: (usize, bool),
        _: &[&[usize]],
        _: &mut [&mut Grad],
    ) -> Result<()> {
        Ok(())
    }
}

/// The rows of a tensor in order, as far as the result's reach, and where their entries stood.
///
/// # Safety
/// Elements of `T` in the rows `from` and `to`, and as many `i64` at `places`.
unsafe fn sort_rows<T: SortKey>(
    x: *const u8,
    [from, to]: [Rows; 2],
    descending: bool,
    y: *mut u8,
    places: *mut u8,
) {
    let shared = Shared((x.cast::<T>(), y.cast::<T>(), places.cast::<i64>()));
    // A row costs some twenty simple operations per element.
    parallel::for_each_chunk(from.count, (GRAIN / (20 * from.len.max(1))).max(1), |rows| {
        let (x, values, places) = shared.get();
        for row in rows {
            let (first, target) = (x.wrapping_add(from.start(row)), to.start(row));
            let visit = |rank: usize, at: usize| {
                // SAFETY: the caller's promise.
                unsafe {
                    *values.add(target + rank * to.step) = *first.add(at * from.step);
                    *places.add(target + rank * to.step) = at as i64;
                }
            };
            // SAFETY: as above.
            let sort = |row: *const T| unsafe {
                let row = std::slice::from_raw_parts(row, from.len);
                with_scratch(|scratch| match to.len == from.len {
                    true => sort_row(row, descending, scratch, visit),
                    false => first_of_row(row, to.len, descending, scratch, visit),
                });
            };
            if from.step == 1 {
                sort(first);
                continue;
            }
            scratch::with(from.len, |row: *mut T| {
                for at in 0..from.len {
                    // SAFETY: as above; the buffer has room for a row.
                    unsafe { *row.add(at) = *first.add(at * from.step) };
                }
                sort(row);
            });
        }
    });
}
