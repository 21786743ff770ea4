//! Elementwise operations over arbitrary layouts on the CPU.
//!
//! Kernels see only contiguous runs of one dtype. An operand that already is one is passed as it is; any other is
//! gathered, converted on the way, into a block that stays in the first-level cache. So broadcasting, strides, type
//! promotion and half precision cost one piece of code for all entries, and no temporary tensor.

use super::cast::{Conversion, for_each_row};
use super::flat::{self, BLOCK, GRAIN, Scratch};
use super::kernel::{Args, Kernel, MAX_INPUTS, Params};
use crate::DType;
use crate::kernels::transpose::transpose;
use crate::kernels::{parallel, stream};
use crate::layout::Dims;

/// An operand in main memory, broadcast to the shape of the loop.
pub(crate) struct Operand {
    pub ptr: *const u8,
    pub dtype: DType,
    pub strides: Dims,
}

/// One elementwise loop.
pub(crate) struct Loop<'a> {
    pub kernel: Kernel,
    /// The dtype of the kernel's inputs.
    pub compute: DType,
    /// The dtype of the kernel's results.
    pub produces: DType,
    pub params: Params,
    pub shape: &'a [usize],
    pub inputs: &'a [Operand],
    pub output: Operand,
}

/// How the kernel gets an operand.
#[derive(Clone, Copy)]
enum Feed {
    /// Straight from memory.
    Direct,
    /// From a block filled once: a number, or a tensor broadcast from one element.
    Constant,
    /// Through a block.
    Block,
}

// SAFETY: the pointers are only used inside `Loop::run`, whose caller keeps the memory alive and locked.
unsafe impl Sync for Loop<'_> {}

impl Loop<'_> {
    /// Runs the loop.
    ///
    /// # Safety
    /// Inputs must be readable and the output writable over the whole shape, by this call alone. An input may be the
    /// output itself, but must not overlap it in any other way.
    pub unsafe fn run(mut self) {
        let mut shape: Dims = self.shape.into();
        let mut strides: [Dims; MAX_INPUTS + 1] = std::array::from_fn(|k| match self.inputs.get(k) {
            Some(input) => input.strides.clone(),
            None => self.output.strides.clone(),
        });
        let count = self.inputs.len();
        follow_memory(&mut shape, &mut strides[..=count]);
        coalesce(&mut shape, &mut strides[..=count]);
        let numel: usize = shape.iter().product();
        if numel == 0 {
            return;
        }
        self.output.strides = strides[count].clone();
        let feeds: [Feed; MAX_INPUTS] = std::array::from_fn(|k| match self.inputs.get(k) {
            None => Feed::Constant,
            Some(_) if strides[k].iter().all(|&stride| stride == 0) && numel > 1 => Feed::Constant,
            Some(input) if input.dtype == self.compute && is_flat(&shape, &strides[k]) => Feed::Direct,
            Some(_) => Feed::Block,
        });
        let in_place =
            (0..count).any(|k| matches!(feeds[k], Feed::Direct) && self.inputs[k].ptr == self.output.ptr);
        let flat_output = self.output.dtype == self.produces && is_flat(&shape, &self.output.strides);
        let read = |k: usize| match feeds[k] {
            Feed::Constant => 0,
            Feed::Direct | Feed::Block => numel * self.inputs[k].dtype.size(),
        };
        let moved = (0..count).map(read).sum::<usize>() + numel * self.produces.size();
        let past_caches =
            flat_output && !in_place && flat::goes_past_caches(moved, self.output.ptr.cast_mut());
        let plan =
            Plan { job: &self, shape: &shape, strides: &strides, feeds, flat_output, in_place, past_caches };
        let all_direct = feeds[..count].iter().all(|feed| matches!(feed, Feed::Direct));
        parallel::for_each_chunk(numel, GRAIN, |range| {
            // SAFETY: chunks are disjoint; the rest is promised by the caller.
            unsafe {
                if all_direct && flat_output && !in_place {
                    plan.run_direct(range.start, range.len());
                } else {
                    plan.run_blocks(range.start, range.len());
                }
            }
        });
    }
}

/// A loop with its axes merged and its operands classified.
struct Plan<'a> {
    job: &'a Loop<'a>,
    shape: &'a [usize],
    strides: &'a [Dims; MAX_INPUTS + 1],
    feeds: [Feed; MAX_INPUTS],
    flat_output: bool,
    in_place: bool,
    past_caches: bool,
}

impl Plan<'_> {
    /// All operands are contiguous: one call for the whole chunk.
    unsafe fn run_direct(&self, start: usize, len: usize) {
        let job = self.job;
        let mut inputs = [std::ptr::null(); MAX_INPUTS];
        for (slot, input) in inputs.iter_mut().zip(job.inputs) {
            *slot = input.ptr;
        }
        let sizes = flat::Sizes { input: job.compute.size(), output: job.produces.size() };
        let whole = Args {
            inputs,
            output: job.output.ptr.cast_mut(),
            len: self.shape.iter().product(),
            params: job.params,
        };
        // SAFETY: the chunk lies inside the operands.
        unsafe { flat::run_chunk(job.kernel, &whole, sizes, start..start + len) }
    }

    /// Some operand is not: block by block.
    unsafe fn run_blocks(&self, start: usize, len: usize) {
        let job = self.job;
        let mut scratch: [Scratch; MAX_INPUTS + 1] = std::array::from_fn(|_| Scratch::uninit());
        for (k, input) in job.inputs.iter().enumerate() {
            if let Feed::Constant = self.feeds[k] {
                // SAFETY: one element, repeated; the block holds `BLOCK` of the largest type.
                unsafe {
                    Conversion::new(input.dtype, job.compute).gather(
                        input.ptr,
                        0,
                        scratch[k].ptr(),
                        BLOCK.min(len),
                    )
                }
            }
        }
        let direct_output = self.flat_output && !self.in_place && !self.past_caches;
        for at in (start..start + len).step_by(BLOCK) {
            let n = BLOCK.min(start + len - at);
            let mut inputs = [std::ptr::null(); MAX_INPUTS];
            for (k, input) in job.inputs.iter().enumerate() {
                inputs[k] = match self.feeds[k] {
                    Feed::Direct => {
                        let from = input.ptr.wrapping_add(at * job.compute.size());
                        if self.past_caches {
                            stream::read_ahead(from, n * job.compute.size());
                        }
                        from
                    }
                    Feed::Constant => scratch[k].ptr().cast_const(),
                    Feed::Block => {
                        // SAFETY: indices `at..at + n` lie inside the operand.
                        unsafe { self.gather(input, &self.strides[k], at, n, scratch[k].ptr()) };
                        scratch[k].ptr().cast_const()
                    }
                };
            }
            let block = scratch[MAX_INPUTS].ptr();
            let output = if direct_output {
                job.output.ptr.wrapping_add(at * job.produces.size()).cast_mut()
            } else {
                block
            };
            // SAFETY: every pointer holds `n` elements, and the output is no input's block.
            unsafe {
                (job.kernel)(&Args { inputs, output, len: n, params: job.params });
                if self.past_caches {
                    let size = job.produces.size();
                    let to = job.output.ptr.wrapping_add(at * size).cast_mut();
                    stream::copy_past_caches(block, to, n * size);
                } else if !direct_output {
                    self.scatter(block, at, n);
                }
            }
        }
        if self.past_caches {
            stream::fence();
        }
    }

    unsafe fn gather(&self, input: &Operand, strides: &[usize], at: usize, len: usize, to: *mut u8) {
        let conversion = Conversion::new(input.dtype, self.job.compute);
        let stride = strides.last().copied().unwrap_or(0);
        let (from_size, to_size) = (input.dtype.size(), self.job.compute.size());
        for_each_row(self.shape, strides, at, len, |offset, done, n| {
            let (from, to) = (input.ptr.wrapping_add(offset * from_size), to.wrapping_add(done * to_size));
            // SAFETY: the row lies inside the operand and the block.
            unsafe {
                if stride == 1 && input.dtype == self.job.compute {
                    std::ptr::copy_nonoverlapping(from, to, n * to_size);
                } else {
                    conversion.gather(from, stride, to, n);
                }
            }
        });
    }

    unsafe fn scatter(&self, block: *const u8, at: usize, len: usize) {
        let output = &self.job.output;
        let conversion = Conversion::new(self.job.produces, output.dtype);
        let stride = output.strides.last().copied().unwrap_or(0);
        let (from_size, to_size) = (self.job.produces.size(), output.dtype.size());
        for_each_row(self.shape, &output.strides, at, len, |offset, done, n| {
            let from = block.wrapping_add(done * from_size);
            let to = output.ptr.wrapping_add(offset * to_size).cast_mut();
            // SAFETY: the row lies inside the block and the output.
            unsafe {
                if stride == 1 && output.dtype == self.job.produces {
                    std::ptr::copy_nonoverlapping(from, to, n * to_size);
                } else {
                    conversion.scatter(from, to, stride, n);
                }
            }
        });
    }
}

/// Copies a tensor whose rows become columns, block by block: rows read and columns written one after the other would
/// touch a cache line per element. Returns whether the layouts are such.
///
/// # Safety
/// As for [`Loop::run`].
pub(crate) unsafe fn copy_transposed(shape: &[usize], input: &Operand, output: &Operand) -> bool {
    if input.dtype != output.dtype {
        return false;
    }
    let mut shape: Dims = shape.into();
    let mut strides = [input.strides.clone(), output.strides.clone()];
    follow_memory(&mut shape, &mut strides);
    coalesce(&mut shape, &mut strides);
    let [from, to] = &strides;
    let Some(outer) = shape.len().checked_sub(2) else { return false };
    let (columns, rows) = (shape[outer], shape[outer + 1]);
    if from[outer] != 1 || to[outer + 1] != 1 || rows.min(columns) < 8 {
        return false;
    }
    let size = input.dtype.size();
    let matrices: usize = shape[..outer].iter().product();
    for matrix in 0..matrices {
        let (mut rest, mut offsets) = (matrix, [0, 0]);
        for axis in (0..outer).rev() {
            let index = rest % shape[axis];
            rest /= shape[axis];
            offsets = [offsets[0] + index * from[axis], offsets[1] + index * to[axis]];
        }
        let source = input.ptr.wrapping_add(offsets[0] * size);
        let target = output.ptr.wrapping_add(offsets[1] * size).cast_mut();
        let (stride, target_stride) = (from[outer + 1], to[outer]);
        macro_rules! copy {
            ($t:ty) => {
                // SAFETY: the matrix lies inside both operands, which do not overlap.
                unsafe {
                    transpose(rows, columns, source.cast::<$t>(), stride, target.cast::<$t>(), target_stride)
                }
            };
        }
        match size {
            1 => copy!(u8),
            2 => copy!(u16),
            4 => copy!(u32),
            8 => copy!(u64),
            _ => copy!([u64; 2]),
        }
    }
    true
}

/// Orders the axes as the output, the last operand, lies in memory.
fn follow_memory(shape: &mut Dims, strides: &mut [Dims]) {
    let output = strides.last().expect("a loop has an output");
    let ordered = |a: usize, b: usize| shape[a] == 1 || shape[b] == 1 || output[a] >= output[b];
    if (1..shape.len()).all(|axis| ordered(axis - 1, axis)) {
        return;
    }
    let mut order: Dims = (0..shape.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(output[axis]));
    let permute = |dims: &mut Dims| *dims = order.iter().map(|&axis| dims[axis]).collect();
    permute(shape);
    strides.iter_mut().for_each(permute);
}

/// Merges axes that every operand walks in one stride, and drops those of size 1.
fn coalesce(shape: &mut Dims, strides: &mut [Dims]) {
    let mut kept = 0;
    for axis in 0..shape.len() {
        if shape[axis] == 1 {
            continue;
        }
        let merges =
            kept > 0 && strides.iter().all(|strides| strides[kept - 1] == strides[axis] * shape[axis]);
        if merges {
            shape[kept - 1] *= shape[axis];
        } else {
            shape[kept] = shape[axis];
            kept += 1;
        }
        for strides in strides.iter_mut() {
            strides[kept - 1] = strides[axis];
        }
    }
    shape.truncate(kept);
    strides.iter_mut().for_each(|strides| strides.truncate(kept));
}

/// Whether a coalesced operand is one contiguous run.
fn is_flat(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let follows = stride == expected;
        expected *= size;
        follows
    })
}
