//! Pixels times weights: the product behind the forward convolution and the input gradient.

use std::ops::Range;

use super::{Element, Epilogue, finish};
use crate::gemm::{Block, Kernels, Panel, Real, balanced};
use crate::{Isa, parallel, scratch};

/// Steps of (channel, tap) per pass: their weights for two vectors of channels stay in the first-level cache.
const DEPTH: usize = 320;

/// The weights as panels of channels: `[panel][k][lanes of the panel]`.
#[derive(Clone, Copy)]
pub(super) struct Weights<T> {
    pub packed: *const T,
    pub depth: usize,
    pub channels: usize,
}

/// Where unpacked weights lie: `(k, n)` at `from + start(run) + k·stride + n·channel_stride`, the `depth` steps of k being `runs` runs of equal length.
pub(super) struct Layout<T, F> {
    pub from: *const T,
    pub depth: usize,
    pub stride: isize,
    pub runs: usize,
    pub start: F,
    pub channels: usize,
    pub channel_stride: isize,
}

/// The values of packed weights.
pub(super) fn packed_len<T: Real>(kernels: &Kernels<T>, depth: usize, channels: usize) -> usize {
    channels.next_multiple_of(kernels.lanes) * depth
}

/// Packs weights for [`gather`].
///
/// # Safety
/// The layout's pointer covers what it describes; `to` has room for [`packed_len`] values.
pub(super) unsafe fn pack<T: Real>(
    kernels: &Kernels<T>,
    layout: &Layout<T, impl Fn(usize) -> isize + Sync>,
    to: *mut T,
) {
    let &Layout { from, depth, stride, runs, channels, channel_stride, .. } = layout;
    let start = &layout.start;
    let width = kernels.lanes * kernels.tile_vectors;
    let shared = parallel::Shared((to, from));
    let k = depth / runs.max(1);
    let task = |panel: usize| {
        let first = panel * width;
        let present = width.min(channels - first);
        let panel_width = present.next_multiple_of(kernels.lanes);
        for run in 0..runs {
            let (to, from) = shared.get();
            // SAFETY: the caller's promise; panels lie one after the other.
            unsafe {
                (kernels.pack)(&Panel {
                    to: to.add(first * depth + run * k * panel_width),
                    stride: panel_width,
                    width: panel_width,
                    from: from.wrapping_offset(start(run) + first as isize * channel_stride),
                    is: channel_stride,
                    ps: stride,
                    present,
                    k,
                });
            }
        }
    };
    let panels = channels.div_ceil(width);
    if depth * channels < parallel::GRAIN {
        (0..panels).for_each(task)
    } else {
        parallel::for_each(panels, task)
    }
}

/// Pixels of one image (a band of them) to be computed.
pub(super) struct Pixels<'a, T> {
    /// The band's source.
    pub source: *const T,
    /// The offset of each pixel's first value in the source.
    pub pixels: &'a [isize],
    /// The offset of each (channel, tap) from that.
    pub steps: &'a [isize],
    /// The first output channel's first pixel.
    pub out: *mut T,
    /// From an output channel to the next.
    pub channel: usize,
    /// `None`: the pixels are contiguous; else the offset of each in the output.
    pub scatter: Option<&'a [isize]>,
    /// For output channel 0 of these weights.
    pub epilogue: Epilogue<T>,
}

/// Computes some channels, whole panels, of some pixels.
///
/// # Safety
/// Offsets stay within source and output, which nobody else writes.
pub(super) unsafe fn gather<T: Element>(
    isa: Isa,
    weights: &Weights<T>,
    job: &Pixels<T>,
    channels: Range<usize>,
) {
    let kernels = T::kernels(isa);
    let width = kernels.lanes * kernels.tile_vectors;
    let count = job.pixels.len();
    scratch::with(count * width, |sums: *mut T| {
        for first in channels.step_by(width) {
            let cols = width.min(weights.channels - first);
            // SAFETY: the caller's promise; the panel and the sums have room for whole vectors.
            unsafe {
                accumulate(kernels, weights, job, first, cols, sums);
                transpose(isa, job, first, cols, sums);
            }
        }
    });
}

/// `sums[pixel][channel]` for one panel of channels.
unsafe fn accumulate<T: Real>(
    kernels: &Kernels<T>,
    weights: &Weights<T>,
    job: &Pixels<T>,
    first: usize,
    cols: usize,
    sums: *mut T,
) {
    let vectors = cols.div_ceil(kernels.lanes);
    let width = vectors * kernels.lanes;
    let panel = weights.packed.wrapping_add(first * weights.depth);
    // Inputs that no tap reaches have a gradient of 0: a sum over nothing.
    let nothing = (weights.depth == 0).then_some((0, 0));
    for (start, k) in balanced(weights.depth, DEPTH).chain(nothing) {
        let b = panel.wrapping_add(start * width);
        for (part, (pixel, rows)) in balanced(job.pixels.len(), kernels.gather_rows).enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                (kernels.gather[rows - 1][vectors - 1])(&Block {
                    k,
                    a: job.source,
                    a_rs: 0,
                    a_cs: 0,
                    a_rows: job.pixels.as_ptr().add(pixel),
                    a_columns: job.steps.as_ptr().add(start),
                    b,
                    b_stride: width as isize,
                    ahead: ahead(b, k * width, part, kernels.lanes, vectors),
                    c: sums.add(pixel * width),
                    c_rs: width as isize,
                    cols: width,
                    alpha: T::ONE,
                    beta: (start > 0).then_some(T::ONE),
                });
            }
        }
    }
}

/// What to fetch during a part of the work on some rows of B, if `next` elements from there on the rows that are worked on next
/// begin: a line per row in each of the first parts.
fn ahead<T>(b: *const T, next: usize, part: usize, lanes: usize, vectors: usize) -> *const T {
    if part < vectors { b.wrapping_add(next + part * lanes) } else { b }
}

/// From `sums[pixel][channel]` to the output, with the epilogue.
unsafe fn transpose<T: Element>(isa: Isa, job: &Pixels<T>, first: usize, cols: usize, sums: *mut T) {
    let kernels = T::kernels(isa);
    let width = cols.next_multiple_of(kernels.lanes);
    let count = job.pixels.len();
    // SAFETY: the caller's promise.
    unsafe {
        let out = job.out.add(first * job.channel);
        let Some(offsets) = job.scatter else {
            (kernels.pack)(&Panel {
                to: out,
                stride: job.channel,
                width: count,
                from: sums.cast_const(),
                is: width as isize,
                ps: 1,
                present: count,
                k: cols,
            });
            finish(isa, &job.epilogue.from(first, first * job.channel), out, [cols, count], job.channel);
            return;
        };
        debug_assert!(
            job.epilogue.bias.is_none() && job.epilogue.is_simple(),
            "an input gradient has no epilogue"
        );
        for c in 0..cols {
            for (pixel, &offset) in offsets.iter().enumerate() {
                *out.add(c * job.channel).offset(offset) = *sums.add(pixel * width + c);
            }
        }
    }
}
