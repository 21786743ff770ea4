//! The operations of compiled networks: a forward method and a backward method of [`Pass`](super::Pass) each.
//!
//! A forward method takes buffers and shapes, asks for its result, saves what its backward method will read, and, unless
//! the pass is only being planned, calls a kernel. The backward method takes the gradient of the result and contributes to
//! the gradients of the inputs; it asks for saved values in the reverse order. Both must ask for the same buffers
//! whatever the values are. What has no method here runs as an [`island`].

mod arrange;
mod attention;
mod batch_norm;
mod chain;
mod compare;
mod conv;
mod conv3d;
mod conv_pool;
mod conv_transpose;
mod convolve;
mod dropout;
mod einsum;
mod elementwise;
mod embedding;
mod fill;
mod group_norm;
mod groups;
mod instance_norm;
mod island;
mod join;
mod linear;
mod logic;
mod masks;
mod matmul;
mod norm;
mod order;
mod pick;
mod pool;
mod projected;
mod recurrent;
mod recurrent_kept;
mod reduce;
mod resample;
mod rrelu;
mod running;
mod slice;
mod softmax;
mod view;

pub use arrange::Arrange;
pub use batch_norm::ChannelNorm;
pub use chain::{Chain, Link, Slope, alpha_factors};
pub use conv_transpose::ConvTranspose;
pub use conv3d::Conv3d;
pub(super) use dropout::Factors;
pub use einsum::Contractions;
pub use elementwise::{Side, operators};
pub use group_norm::GroupNorm;
pub use instance_norm::InstanceNorm;
pub use linear::Map;
pub use masks::Masks;
pub use norm::RowNorm;
pub use pick::Picks;
pub use pool::Pool;
pub use recurrent::Recurrence;
pub use reduce::{Fold, Reduce};
pub use resample::Interpolation;
pub use rrelu::Slopes;
pub use running::Running;

use super::versions;
use crate::kernels::parallel;
use crate::{Result, Tensor};

/// The elements of a shape.
fn numel(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// `target = a + b`.
///
/// # Safety
/// `len` elements are readable at `a` and `b` and writable at `target`, which is `a` or overlaps neither.
pub(super) unsafe fn add_into(target: *mut f32, a: *const f32, b: *const f32, len: usize) {
    let shared = parallel::Shared((target, a, b));
    parallel::for_each_chunk(len, parallel::GRAIN, |range| {
        let (target, a, b) = shared.get();
        for i in range {
            // SAFETY: the caller's promise.
            unsafe { *target.add(i) = *a.add(i) + *b.add(i) }
        }
    });
}

/// Columns that a thread adds up side by side.
const COLUMNS: usize = 256;

/// The sum of `rows` rows of `columns` elements, written to `sums` or added to it. The order of additions depends on
/// the sizes alone.
///
/// # Safety
/// `rows · columns` elements are readable at `from`, `columns` are writable at `sums`.
unsafe fn sum_rows(from: *const f32, rows: usize, columns: usize, sums: *mut f32, accumulate: bool) {
    let shared = parallel::Shared((from, sums));
    let tasks = columns.div_ceil(COLUMNS);
    let work = |task: usize| {
        let (from, sums) = shared.get();
        let first = task * COLUMNS;
        let count = COLUMNS.min(columns - first);
        let mut total = [0.0f32; COLUMNS];
        // Blocks of rows are added up apart, which keeps long sums accurate.
        for block in (0..rows).step_by(128) {
            let mut part = [0.0f32; COLUMNS];
            for row in block..rows.min(block + 128) {
                // SAFETY: the caller's promise.
                let values = unsafe { std::slice::from_raw_parts(from.add(row * columns + first), count) };
                part[..count].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            total[..count].iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        // SAFETY: the caller's promise; each column belongs to one task.
        let sums = unsafe { std::slice::from_raw_parts_mut(sums.add(first), count) };
        if accumulate {
            sums.iter_mut().zip(&total).for_each(|(sum, total)| *sum += total);
        } else {
            sums.copy_from_slice(&total[..count]);
        }
    };
    if rows * columns <= parallel::GRAIN {
        (0..tasks).for_each(work)
    } else {
        parallel::for_each(tasks, work)
    }
}

/// The address of a parameter's elements, and the guard under which it may be read. Parameters are checked to be
/// contiguous `f32` in main memory before a pass begins.
#[inline]
fn read(parameter: &Tensor) -> (*const f32, impl Drop + '_) {
    let guard = parameter.storage().read();
    versions::note(parameter);
    (parameter.host_ptr().cast_const().cast(), guard)
}

/// As [`read`], for a parameter that may be missing.
#[inline]
fn read_option(parameter: Option<&Tensor>) -> (Option<*const f32>, Option<impl Drop + '_>) {
    match parameter.map(read) {
        Some((ptr, guard)) => (Some(ptr), Some(guard)),
        None => (None, None),
    }
}

/// Whether any of these wants a gradient.
fn wants(parameters: &[Option<&Tensor>]) -> bool {
    parameters.iter().flatten().any(|parameter| parameter.requires_grad())
}

impl super::Pass {
    /// Gives `write` a place for the gradient of a parameter, if one is wanted; where a gradient is there already, the
    /// new one is computed apart and added.
    fn parameter_grad(&mut self, parameter: Option<&Tensor>, write: impl FnOnce(*mut f32)) -> Result<()> {
        let Some(parameter) = parameter else { return Ok(()) };
        if self.planning {
            return Ok(());
        }
        let Some(target) = self.parameters.target(parameter)? else { return Ok(()) };
        if !target.accumulate {
            write(target.ptr);
            return Ok(());
        }
        let len = parameter.numel();
        crate::kernels::scratch::with(len, |part: *mut f32| {
            write(part);
            // SAFETY: both have an element per element of the parameter.
            unsafe { add_into(target.ptr, target.ptr, part, len) };
        });
        Ok(())
    }
}
