//! Chains of elementwise operations that `model!` has written as one loop: several inputs, and several results, which
//! is what a gradient has.
//!
//! Loops see blocks of `f32`. An operand of the shape of the loop is read where it lies; one that is broadcast, and the
//! factors of dropout, are brought into a block that stays in the first-level cache.

use std::ops::Range;

use super::cast::for_each_row;
use super::flat::{BLOCK, GRAIN};
use super::kernel::{Eval, Params};
use super::lanes::F;
use crate::kernels::gemm::Part;
use crate::kernels::parallel::{self, Shared};
use crate::kernels::random::{Stream, dropout_factors};
use crate::kernels::{self, Kernel, scratch};
use crate::layout::Dims;

/// The most inputs of a loop: a chain has one less, as its gradient reads that of the result as well.
pub const MAX_INPUTS: usize = 6;
/// The most results of a loop.
pub const MAX_OUTPUTS: usize = MAX_INPUTS - 1;

/// What a loop works on: contiguous runs of `len` elements.
pub struct Lanes {
    inputs: [*const f32; MAX_INPUTS],
    outputs: [*mut f32; MAX_OUTPUTS],
    len: usize,
    params: Params,
}

impl Lanes {
    pub(super) fn inputs<const N: usize>(&self) -> [*const f32; N] {
        std::array::from_fn(|k| self.inputs[k])
    }

    pub(super) fn outputs<const M: usize>(&self) -> [*mut f32; M] {
        std::array::from_fn(|k| self.outputs[k])
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }
}

/// A loop over lanes.
///
/// # Safety
/// The pointers that it uses are valid for `len` elements; no output overlaps anything else.
pub type Loop = unsafe fn(&Lanes);

/// One lane of a loop with several results.
pub trait EvalAll<T, const N: usize, const M: usize> {
    /// The values.
    fn eval_all(inputs: [T; N], params: &Params) -> [T; M];
}

/// The loop of a single value.
///
/// # Safety
/// See [`Loop`].
pub unsafe fn value<O, const N: usize>(lanes: &Lanes)
where
    O: Eval<F<f32, true>, N, Out = F<f32, true>> + Eval<F<f32, false>, N, Out = F<f32, false>>,
{
    // SAFETY: the caller's promise.
    unsafe { value_in::<O, N, true>(lanes) }
}

/// [`value`] in vectors of 256 bits at most, for loops that have another way in wider ones.
///
/// # Safety
/// See [`Loop`].
pub(super) unsafe fn value_narrow<O, const N: usize>(lanes: &Lanes)
where
    O: Eval<F<f32, true>, N, Out = F<f32, true>> + Eval<F<f32, false>, N, Out = F<f32, false>>,
{
    // SAFETY: the caller's promise.
    unsafe { value_in::<O, N, false>(lanes) }
}

unsafe fn value_in<O, const N: usize, const IN_WIDE: bool>(lanes: &Lanes)
where
    O: Eval<F<f32, true>, N, Out = F<f32, true>> + Eval<F<f32, false>, N, Out = F<f32, false>>,
{
    struct Run<'a, O, const N: usize, const IN_WIDE: bool>(&'a Lanes, std::marker::PhantomData<O>);
    impl<O, const N: usize, const IN_WIDE: bool> Kernel for Run<'_, O, N, IN_WIDE>
    where
        O: Eval<F<f32, true>, N, Out = F<f32, true>> + Eval<F<f32, false>, N, Out = F<f32, false>>,
    {
        type Output = ();
        const WIDE: bool = IN_WIDE;
        #[inline(always)]
        fn run<const FMA: bool>(self) {
            let Lanes { inputs, outputs: [output, ..], len, params } = *self.0;
            for i in 0..len {
                // SAFETY: the caller of the loop promises `len` elements behind every pointer.
                unsafe {
                    let value = if FMA {
                        O::eval(load::<true, N>(&inputs, i), &params).0
                    } else {
                        O::eval(load::<false, N>(&inputs, i), &params).0
                    };
                    output.add(i).write(value);
                }
            }
        }
    }
    kernels::isa().run(Run::<O, N, IN_WIDE>(lanes, std::marker::PhantomData));
}

/// The loop of several values.
///
/// # Safety
/// See [`Loop`].
pub unsafe fn values<O, const N: usize, const M: usize>(lanes: &Lanes)
where
    O: EvalAll<F<f32, true>, N, M> + EvalAll<F<f32, false>, N, M>,
{
    // SAFETY: the caller's promise.
    unsafe { values_in::<O, N, M, true>(lanes) }
}

/// [`values`] in vectors of 256 bits at most, for loops that have another way in wider ones.
///
/// # Safety
/// See [`Loop`].
pub(super) unsafe fn values_narrow<O, const N: usize, const M: usize>(lanes: &Lanes)
where
    O: EvalAll<F<f32, true>, N, M> + EvalAll<F<f32, false>, N, M>,
{
    // SAFETY: the caller's promise.
    unsafe { values_in::<O, N, M, false>(lanes) }
}

unsafe fn values_in<O, const N: usize, const M: usize, const IN_WIDE: bool>(lanes: &Lanes)
where
    O: EvalAll<F<f32, true>, N, M> + EvalAll<F<f32, false>, N, M>,
{
    /// Elements per step. Results go to memory of our own first: that it overlaps no input needs no proof, without
    /// which the loop would not become SIMD.
    const STEP: usize = 256;
    struct Run<'a, O, const N: usize, const M: usize, const IN_WIDE: bool>(
        &'a Lanes,
        std::marker::PhantomData<O>,
    );
    impl<O, const N: usize, const M: usize, const IN_WIDE: bool> Kernel for Run<'_, O, N, M, IN_WIDE>
    where
        O: EvalAll<F<f32, true>, N, M> + EvalAll<F<f32, false>, N, M>,
    {
        type Output = ();
        const WIDE: bool = IN_WIDE;
        #[inline(always)]
        fn run<const FMA: bool>(self) {
            let Lanes { inputs, outputs, len, params } = *self.0;
            let mut made = [[0.0f32; STEP]; M];
            for first in (0..len).step_by(STEP) {
                let count = STEP.min(len - first);
                for i in 0..count {
                    // SAFETY: the caller of the loop promises `len` elements behind every pointer.
                    unsafe {
                        if FMA {
                            let values = O::eval_all(load::<true, N>(&inputs, first + i), &params);
                            made.iter_mut().zip(values).for_each(|(made, value)| made[i] = value.0);
                        } else {
                            let values = O::eval_all(load::<false, N>(&inputs, first + i), &params);
                            made.iter_mut().zip(values).for_each(|(made, value)| made[i] = value.0);
                        }
                    }
                }
                for (made, output) in made.iter().zip(outputs) {
                    // SAFETY: as above; what is our own overlaps nothing.
                    unsafe { std::ptr::copy_nonoverlapping(made.as_ptr(), output.add(first), count) };
                }
            }
        }
    }
    kernels::isa().run(Run::<O, N, M, IN_WIDE>(lanes, std::marker::PhantomData));
}

/// Element `i` of every input.
///
/// # Safety
/// All inputs have this element.
#[inline(always)]
unsafe fn load<const FMA: bool, const N: usize>(
    inputs: &[*const f32; MAX_INPUTS],
    i: usize,
) -> [F<f32, FMA>; N] {
    // SAFETY: the caller's promise.
    std::array::from_fn(|k| F(unsafe { inputs[k].add(i).read() }))
}

/// Where a loop gets an input from.
#[derive(Clone)]
pub(crate) enum Feed {
    /// Memory of the shape of the loop.
    Whole(*const f32),
    /// Memory of the shape of the loop to which a result is written as well.
    Replaced(*const f32),
    /// Memory with strides.
    Strided(*const f32, Dims),
    /// Truth values with strides, as 0 and 1.
    Mask(*const bool, Dims),
    /// One number.
    Number(f32),
    /// The factors of a dropout that keeps elements with this probability.
    Dropout(Stream, f64),
}

/// Runs a loop over a shape. A result without a place is not kept.
///
/// # Safety
/// The inputs are readable over the shape, the outputs writable, without overlap but for what is said to be replaced.
pub(crate) unsafe fn run(
    body: Loop,
    feeds: &[Feed],
    outputs: &[Option<*mut f32>],
    params: Params,
    shape: &[usize],
) {
    // A dropout's random numbers cost as much as many simple operations.
    let costly = feeds.iter().any(|feed| matches!(feed, Feed::Dropout(..)));
    let grain = if costly { GRAIN / 8 } else { GRAIN };
    let shared = Shared((feeds, outputs));
    parallel::for_each_chunk(shape.iter().product(), grain, |range| {
        let (feeds, outputs) = shared.get();
        // SAFETY: the caller's promise; chunks are disjoint.
        unsafe { run_chunk(body, feeds, outputs, params, shape, range) }
    });
}

/// Runs a loop over a part of a matrix, the last axis of the shape being its columns, on this thread.
///
/// # Safety
/// As for [`run`], for the part.
pub(crate) unsafe fn run_part(
    body: Loop,
    feeds: &[Feed],
    outputs: &[Option<*mut f32>],
    params: Params,
    shape: &[usize],
    part: Part,
) {
    for range in runs(part, shape.last().copied().unwrap_or(1)) {
        // SAFETY: the caller's promise.
        unsafe { run_chunk(body, feeds, outputs, params, shape, range) }
    }
}

/// The elements of a part of a matrix with so many columns, as ranges without gaps.
pub(crate) fn runs(part: Part, columns: usize) -> impl Iterator<Item = Range<usize>> {
    let (count, len) = match part.columns == columns {
        true => (1, part.rows * columns),
        false => (part.rows, part.columns),
    };
    let first = part.row * columns + part.column;
    (0..count).map(move |row| first + row * columns).map(move |start| start..start + len)
}

/// # Safety
/// As for [`run`], for a part of the shape.
unsafe fn run_chunk(
    body: Loop,
    feeds: &[Feed],
    outputs: &[Option<*mut f32>],
    params: Params,
    shape: &[usize],
    range: Range<usize>,
) {
    let direct =
        feeds.iter().all(|feed| matches!(feed, Feed::Whole(_))) && outputs.iter().all(Option::is_some);
    let step = if direct { range.len() } else { BLOCK };
    // A block for every input, and one for results that nobody wants.
    scratch::with((MAX_INPUTS + 1) * BLOCK, |scratch: *mut f32| {
        let block = |k: usize| scratch.wrapping_add(k * BLOCK);
        let mut lanes = Lanes {
            inputs: [std::ptr::null(); MAX_INPUTS],
            outputs: [std::ptr::null_mut(); MAX_OUTPUTS],
            len: 0,
            params,
        };
        for (k, feed) in feeds.iter().enumerate() {
            if let Feed::Number(number) = feed {
                // SAFETY: the block has this many elements.
                unsafe { std::slice::from_raw_parts_mut(block(k), BLOCK) }.fill(*number);
            }
        }
        for at in range.clone().step_by(step) {
            lanes.len = step.min(range.end - at);
            for (k, feed) in feeds.iter().enumerate() {
                // SAFETY: the run lies inside the shape, and a block has room for it.
                lanes.inputs[k] = unsafe { feed.bring(shape, at, lanes.len, block(k)) };
            }
            for (slot, output) in lanes.outputs.iter_mut().zip(outputs) {
                *slot = output.map_or(block(MAX_INPUTS), |output| output.wrapping_add(at));
            }
            // SAFETY: all pointers hold the run.
            unsafe { body(&lanes) };
        }
    });
}

impl Feed {
    /// The elements from `at` on, `len` of them: where they lie, or in `block`.
    ///
    /// # Safety
    /// They lie inside the shape, and the block has room for them.
    unsafe fn bring(&self, shape: &[usize], at: usize, len: usize, block: *mut f32) -> *const f32 {
        match self {
            Feed::Whole(from) => return from.wrapping_add(at),
            Feed::Number(_) => {}
            // A loop whose result is its input would not become SIMD.
            // SAFETY: the caller's promise.
            Feed::Replaced(from) => unsafe { std::ptr::copy_nonoverlapping(from.add(at), block, len) },
            Feed::Dropout(stream, keep) => {
                // SAFETY: the caller's promise.
                let block = unsafe { std::slice::from_raw_parts_mut(block.cast(), len) };
                dropout_factors(*stream, at, *keep, block);
            }
            Feed::Mask(from, strides) => {
                let step = strides.last().copied().unwrap_or(0);
                for_each_row(shape, strides, at, len, |offset, done, count| {
                    // SAFETY: as below.
                    unsafe {
                        let (from, to) = (from.add(offset), block.add(done));
                        (0..count).for_each(|i| *to.add(i) = f32::from(u8::from(*from.add(i * step))));
                    }
                });
            }
            Feed::Strided(from, strides) => {
                let step = strides.last().copied().unwrap_or(0);
                for_each_row(shape, strides, at, len, |offset, done, count| {
                    // SAFETY: the row lies inside operand and block.
                    unsafe {
                        let (from, to) = (from.add(offset), block.add(done));
                        match step {
                            1 => std::ptr::copy_nonoverlapping(from, to, count),
                            0 => std::slice::from_raw_parts_mut(to, count).fill(*from),
                            _ => (0..count).for_each(|i| *to.add(i) = *from.add(i * step)),
                        }
                    }
                });
            }
        }
        block
    }
}
