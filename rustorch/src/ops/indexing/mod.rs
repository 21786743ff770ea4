//! Operations whose operands say by their values which elements to take or to write: gather and scatter, entries of an
//! axis, masks, and indexing by tensors.
//!
//! All of them are one walk ([`Lines`]) that copies, adds or otherwise combines between an indexed tensor and a tensor
//! of values, and their gradients are one another.

mod advanced;
mod axis;
mod gather;
mod mask;
mod scatter;
mod scatter_reduce;

pub use scatter_reduce::Reduce;

use crate::dtype::dispatch;
use crate::kernels::accumulate::Accumulate;
use crate::kernels::lines::{Access, Lines, Strides};
use crate::kernels::parallel::Shared;
use crate::layout::{Dims, Layout};
use crate::{DType, Error, Result, Tensor, no_grad};

/// Strides along all axes but one, and along that one. A tensor without axes counts as one of a single element.
fn split(layout: &Layout, axis: usize) -> (Dims, usize) {
    let mut rest = layout.strides.clone();
    let stride = if rest.is_empty() { 1 } else { rest.remove(axis) };
    (rest, stride)
}

/// A shape without an axis.
fn without(shape: &[usize], axis: usize) -> Dims {
    shape.iter().enumerate().filter(|&(at, _)| at != axis).map(|(_, &size)| size).collect()
}

/// The walk of gather and scatter: the index has an entry for every value.
pub(crate) fn lines_by_element(addressed: &Layout, values: &Layout, index: &Layout, axis: usize) -> Lines {
    let ((addressed, a), (values, v), (strides, i)) =
        (split(addressed, axis), split(values, axis), split(index, axis));
    Lines {
        shape: without(&index.shape, axis),
        strides: Strides { addressed, values, index: strides },
        count: index.shape.get(axis).copied().unwrap_or(1),
        axis: Strides { addressed: a, values: v, index: i },
    }
}

/// The walk of index_select and index_add: the index is a vector that holds for all lines.
pub(crate) fn lines_by_entry(addressed: &Layout, values: &Layout, index: &Layout, axis: usize) -> Lines {
    let shape = without(&addressed.shape, axis);
    let ((addressed, a), (values, v)) = (split(addressed, axis), split(values, axis));
    Lines {
        strides: Strides { addressed, values, index: Dims::from_elem(0, shape.len()) },
        shape,
        count: index.numel(),
        axis: Strides { addressed: a, values: v, index: index.strides.first().copied().unwrap_or(1) },
    }
}

/// How a value changes the element that it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combine {
    /// Replaces it.
    Set,
    /// Is added to it.
    Add,
    /// Multiplies it.
    Multiply,
}

/// Runs an expression with `$T` bound to a plain type of a dtype's size, for moving elements about.
macro_rules! by_size {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype.size() {
            1 => {
                type $T = u8;
                $body
            }
            2 => {
                type $T = u16;
                $body
            }
            4 => {
                type $T = u32;
                $body
            }
            8 => {
                type $T = u64;
                $body
            }
            _ => {
                type $T = [u64; 2];
                $body
            }
        }
    };
}

/// Fills `output`, the values of the walk, with the elements of `source` that `index` addresses. The caller holds locks
/// on source and index, has checked the index, and owns the output.
unsafe fn read_lines(lines: Lines, source: &Tensor, index: &Tensor, output: &Tensor) {
    by_size!(source.dtype(), T => {
        let (from, to) = (Shared(source.host_ptr().cast_const().cast::<T>()), Shared(output.host_ptr().cast::<T>()));
        // SAFETY: the offsets of the walk lie inside the tensors that its strides are taken from.
        unsafe {
            lines.for_each(index.host_ptr().cast::<i64>(), Access::Values, |at, value, len| {
                copy_run(from.get().add(at), to.get().add(value), len);
            });
        }
    });
}

#[inline(always)]
unsafe fn copy_run<T: Copy>(from: *const T, to: *mut T, len: usize) {
    // SAFETY: the caller promises `len` elements at both places, which do not overlap.
    unsafe {
        match len {
            1 => to.write(from.read()),
            _ => std::ptr::copy_nonoverlapping(from, to, len),
        }
    }
}

/// Combines the elements of `target` that `index` addresses with those of `values`. The caller holds the locks, has
/// checked the index, and made sure that values and index are not in the target's memory.
unsafe fn write_lines(lines: Lines, target: &Tensor, index: &Tensor, values: &Tensor, combine: Combine) {
    let index = index.host_ptr().cast_const().cast::<i64>();
    if combine == Combine::Set {
        by_size!(target.dtype(), T => {
            let (from, to) = (Shared(values.host_ptr().cast_const().cast::<T>()), Shared(target.host_ptr().cast::<T>()));
            // SAFETY: as for `read_lines`.
            unsafe {
                lines.for_each(index, Access::Addressed, |at, value, len| {
                    copy_run(from.get().add(value), to.get().add(at), len);
                });
            }
        });
        return;
    }
    dispatch!(target.dtype(), T => {
        let (from, to) = (Shared(values.host_ptr().cast_const().cast::<T>()), Shared(target.host_ptr().cast::<T>()));
        // SAFETY: as for `read_lines`; visits of one element are made by one thread.
        unsafe {
            match combine {
                // Behind a pointer, which is rarely called, so that the walk is compiled once for all dtypes.
                Combine::Multiply => {
                    let visit: &(dyn Fn(usize, usize, usize) + Sync) = &|at, value, len| {
                        fold_run(from.get().add(value), to.get().add(at), len, T::times);
                    };
                    lines.for_each(index, Access::Addressed, visit);
                }
                _ => lines.for_each(index, Access::Addressed, |at, value, len| {
                    fold_run(from.get().add(value), to.get().add(at), len, T::plus);
                }),
            }
        }
    });
}

#[inline(always)]
unsafe fn fold_run<T: Copy>(from: *const T, to: *mut T, len: usize, f: impl Fn(T, T) -> T) {
    for i in 0..len {
        // SAFETY: the caller promises `len` elements at both places, which do not overlap.
        unsafe { to.add(i).write(f(to.add(i).read(), from.add(i).read())) }
    }
}

/// The index in the form that kernels read: `I64`, in row-major order. It may be the index itself, which another thread
/// may overwrite: what [`check_positions`] found holds for as long as a lock is held, no longer.
#[inline]
fn as_positions(op: &'static str, index: &Tensor) -> Result<Tensor> {
    match index.dtype() {
        DType::I64 => Ok(no_grad(|| index.contiguous())),
        DType::I32 => Ok(no_grad(|| index.to_dtype(DType::I64).contiguous())),
        dtype => Err(Error::DType { op, dtype, expected: "an index of int64 or int32" }),
    }
}

/// The entries of an integer tensor.
#[inline]
pub(crate) fn to_indices(op: &'static str, index: &Tensor) -> Result<Vec<i64>> {
    as_positions(op, index)?.to_vec::<i64>()
}

/// Checks that every entry of positions ([`as_positions`]) lies in `0 .. size`.
///
/// # Safety
/// The positions are locked against writers. Kernels that trust the answer run before that lock is given up.
unsafe fn check_positions(op: &'static str, index: &Tensor, axis: usize, size: usize) -> Result<()> {
    // SAFETY: contiguous, of this dtype, and locked by the caller.
    let entries =
        unsafe { std::slice::from_raw_parts(index.host_ptr().cast_const().cast::<i64>(), index.numel()) };
    check_entries(op, entries, axis, size)
}

/// Checks that every entry lies in `0 .. size`.
#[inline]
pub(crate) fn check_entries(op: &'static str, entries: &[i64], axis: usize, size: usize) -> Result<()> {
    // Without an early exit the loop runs on vectors; a negative entry is a huge one when seen as unsigned.
    let worst = entries.iter().fold(0u64, |worst, &entry| worst.max(entry as u64));
    if entries.is_empty() || worst < size as u64 {
        return Ok(());
    }
    let bad = entries.iter().copied().find(|&entry| entry as u64 >= size as u64).unwrap_or_default();
    Err(Error::Index { op, index: bad, axis, size })
}

/// A copy of an index as `I64`, with negative entries counted from the end, checked.
#[inline]
fn wrap_positions(op: &'static str, index: &Tensor, axis: usize, size: usize) -> Result<Tensor> {
    let index = as_positions(op, index)?;
    let entries = index.to_vec::<i64>()?;
    let signed = size as i64;
    if let Some(&bad) = entries.iter().find(|&&entry| entry < -signed || entry >= signed) {
        return Err(Error::Index { op, index: bad, axis, size });
    }
    let wrapped = entries.into_iter().map(|entry| if entry < 0 { entry + signed } else { entry });
    Tensor::from_vec(wrapped.collect(), index.shape())
}

/// An error unless all tensors are in main memory, where the kernels of this folder work.
#[inline]
pub(crate) fn require_host(op: &'static str, tensors: &[&Tensor]) -> Result<()> {
    let first = tensors[0];
    if let Some(other) = tensors.iter().find(|tensor| tensor.device() != first.device()) {
        return Err(Error::DeviceMismatch { op, left: first.device(), right: other.device() });
    }
    if first.device().is_cpu() {
        return Ok(());
    }
    Err(Error::Unavailable { op, device: first.device(), dtype: first.dtype() })
}

/// An error unless both have the same dtype.
#[inline]
fn require_same_dtype(op: &'static str, tensor: &Tensor, values: &Tensor) -> Result<()> {
    if tensor.dtype() == values.dtype() {
        return Ok(());
    }
    Err(Error::argument(
        op,
        format!(
            "the values are {}, but the tensor is {}; convert with `to_dtype`",
            values.dtype(),
            tensor.dtype()
        ),
    ))
}

/// A copy of a tensor that shares memory with the target of a write, so that the write cannot change what it reads.
#[inline]
fn apart(target: &Tensor, tensor: &Tensor) -> Tensor {
    if tensor.shares_storage(target) { no_grad(|| tensor.copy()) } else { tensor.clone() }
}
