//! Elements, and whole entries of an axis, that an index names.

use super::super::{Buf, Grad, Pass};
use super::elementwise::broadcast_strides;
use super::numel;
use crate::kernels::lines::{Access, Lines};
use crate::kernels::parallel::Shared;
use crate::kernels::scratch;
use crate::layout::{Dims, Layout};
use crate::ops::indexing::{check_entries, lines_by_element, lines_by_entry};
use crate::{DType, Error, Result};

/// How an index names what is taken.
#[derive(Clone, Copy)]
pub struct Picks {
    /// The function.
    pub op: &'static str,
    /// The axis whose positions the index holds.
    pub axis: usize,
    /// Whether the index has an entry for every element of the result, and not for every position of the axis.
    pub each: bool,
    /// Whether negative entries count from the end.
    pub wraps: bool,
}

impl Picks {
    /// The walk from a tensor and an index of these shapes to a result; with an entry for every element, both may broadcast.
    fn lines(&self, shape: &[usize], index: &[usize], out: &[usize]) -> Lines {
        let contiguous = |shape: &[usize]| Layout::contiguous(Dims::from_slice(shape));
        if self.each {
            let broadcast =
                |own: &[usize]| Layout { strides: broadcast_strides(own, out), ..contiguous(out) };
            return lines_by_element(&broadcast(shape), &contiguous(out), &broadcast(index), self.axis);
        }
        let count = numel(index);
        let mut values = Dims::from_slice(shape);
        values[self.axis] = count;
        lines_by_entry(&contiguous(shape), &Layout::contiguous(values), &contiguous(&[count]), self.axis)
    }

    /// The shape that a tensor has when it is broadcast to a result.
    #[inline]
    fn spread(&self, shape: &[usize], out: &[usize]) -> Dims {
        let size = |axis: usize| if axis == self.axis { shape[axis] } else { shape[axis].max(out[axis]) };
        (0..shape.len()).map(size).collect()
    }

    /// Calls `f` with the positions that an index holds, each of which is one of the `size` of the axis.
    fn with_positions<R>(&self, index: Buf, size: usize, f: impl FnOnce(*const i64) -> R) -> Result<R> {
        let checked = |from: *const i64| {
            // SAFETY: the index has as many elements of this type, or they were written by the caller.
            check_entries(self.op, unsafe { std::slice::from_raw_parts(from, index.len) }, self.axis, size)?;
            Ok(f(from))
        };
        let signed = size as i64;
        match index.dtype {
            Some(DType::I64) if !self.wraps => checked(index.ptr.cast_const().cast()),
            Some(dtype @ (DType::I64 | DType::I32)) => scratch::with(index.len, |wide: *mut i64| {
                for at in 0..index.len {
                    // SAFETY: as above; the buffer has as much room.
                    unsafe {
                        let entry = match dtype {
                            DType::I64 => *index.ptr.cast::<i64>().add(at),
                            _ => i64::from(*index.ptr.cast::<i32>().add(at)),
                        };
                        let is_from_end = self.wraps && (-signed..0).contains(&entry);
                        *wide.add(at) = if is_from_end { entry + signed } else { entry };
                    }
                }
                checked(wide)
            }),
            dtype => {
                let (op, dtype) = (self.op, dtype.unwrap_or(DType::F32));
                Err(Error::DType { op, dtype, expected: "an index of int64 or int32" })
            }
        }
    }
}

impl Pass {
    /// What the second input names of the first: `gather`, `take_along_dim`, `index_select`, the rows of a table.
    ///
    /// # Errors
    /// If an entry is no position of the axis, or it is unknown what the elements are.
    #[inline]
    pub fn pick(
        &mut self,
        inputs: &[(Buf, &[usize])],
        picks: Picks,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let [(x, shape), (index, own)] = [inputs[0], inputs[1]];
        let dtype = self.expect_known(x, "a tensor of which an index names elements")?;
        if picks.op == "embedding" {
            // Whatever reads rows takes them for numbers.
            self.expect_numbers(x, "a table of which an index names rows")?;
        }
        if let Some(dtype) = index.dtype.filter(|dtype| !matches!(dtype, DType::I64 | DType::I32)) {
            self.refuse(format!("the index of {} is {dtype}, where the kernel expects integers", picks.op))?;
        }
        let y = self.result_like(x, dtype, numel(outputs[0]));
        if !self.planning {
            let (from, to, size) = (Shared(x.ptr.cast_const()), Shared(y.ptr), dtype.size());
            picks.with_positions(index, shape[picks.axis], |index| {
                // SAFETY: buffers of the pass of these shapes; the positions were checked, and nobody writes to them.
                unsafe {
                    picks.lines(shape, own, outputs[0]).for_each(index, Access::Values, |at, value, len| {
                        let (from, to) = (from.get().add(at * size), to.get().add(value * size));
                        std::ptr::copy_nonoverlapping(from, to, len * size);
                    });
                }
            })?;
        }
        self.save(x, false);
        self.save(index, self.recording && x.grad);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::pick`]: what was taken several times gets a sum, in the order of the index.
    ///
    /// # Errors
    /// If the index has changed.
    #[inline]
    pub fn pick_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        picks: Picks,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (index, x) = (self.saved(), self.saved());
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        // Where the tensor broadcasts, copies of it are added up afterwards.
        let spread = match picks.op {
            "take_along_dim" => picks.spread(shapes[0], outputs[0]),
            _ => Dims::from_slice(shapes[0]),
        };
        let mut dx = self.numbers(numel(&spread), false);
        if !self.planning {
            self.add_at(g, index, picks, [&spread, shapes[1], outputs[0]], dx)?;
        }
        if spread[..] != *shapes[0] {
            dx = self.reduced(dx, &spread, shapes[0]);
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }

    /// `dx`: zeros, to which the elements of `g` are added at the positions that `index` holds.
    pub(super) fn add_at(
        &self,
        g: Buf,
        index: Buf,
        picks: Picks,
        [shape, own, out]: [&[usize]; 3],
        dx: Buf,
    ) -> Result<()> {
        let (from, to) = (Shared(g.f32().cast_const()), Shared(dx.f32()));
        picks.with_positions(index, shape[picks.axis], |index| {
            // SAFETY: buffers of the pass of these shapes; the positions were checked, and visits of one element are made by one
            // thread.
            unsafe {
                dx.f32().write_bytes(0, dx.len);
                picks.lines(shape, own, out).for_each(index, Access::Addressed, |at, value, len| {
                    for i in 0..len {
                        *to.get().add(at + i) += *from.get().add(value + i);
                    }
                });
            }
        })
    }
}
