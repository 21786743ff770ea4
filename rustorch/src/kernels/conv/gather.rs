//! Pixels times weights: the product behind the forward convolution and the input gradient.

use crate::kernels::gemm::{Block, Epilogue, Kernels, Panel, Real, Region, balanced};
use crate::kernels::{parallel, scratch};

/// Steps of (channel, tap) per pass: their weights for two vectors of channels stay in the first-level cache.
const DEPTH: usize = 320;

/// The weights as panels of channels: `[panel][k][lanes of the panel]`.
pub(super) struct Weights<T> {
    packed: Vec<T>,
    pub depth: usize,
    pub channels: usize,
}

impl<T: Real> Weights<T> {
    /// Packs `channels` columns of `depth` weights; `(k, n)` at `from + k_offset(k) + n·channel_stride`, the steps of k being
    /// `runs` runs of `depth / runs` at a distance of `stride`, each starting where `start(run)` says.
    ///
    /// # Safety
    /// `from` covers what is described.
    pub unsafe fn new(
        kernels: &Kernels<T>,
        from: *const T,
        (depth, stride): (usize, isize),
        (runs, start): (usize, impl Fn(usize) -> isize + Sync),
        (channels, channel_stride): (usize, isize),
    ) -> Weights<T> {
        let width = kernels.lanes * kernels.tile_vectors;
        let padded = channels.next_multiple_of(kernels.lanes);
        let mut packed: Vec<T> = Vec::with_capacity(padded * depth + kernels.lanes);
        let to = parallel::Shared((packed.as_mut_ptr(), from));
        let grain = (parallel::GRAIN / (depth * width).max(1)).max(1);
        parallel::for_each_chunk(channels.div_ceil(width), grain, |panels| {
            for panel in panels {
                let first = panel * width;
                let present = width.min(channels - first);
                let panel_width = present.next_multiple_of(kernels.lanes);
                let k = depth / runs.max(1);
                for run in 0..runs {
                    let (to, from) = to.get();
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
            }
        });
        Weights { packed, depth, channels }
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
    pub epilogue: Epilogue<T>,
}

/// Computes all channels of some pixels.
///
/// # Safety
/// Offsets stay within source and output, which nobody else writes.
pub(super) unsafe fn gather<T: Real>(kernels: &Kernels<T>, weights: &Weights<T>, job: &Pixels<T>) {
    let width = kernels.lanes * kernels.tile_vectors;
    let count = job.pixels.len();
    scratch::with(count * width, |sums: *mut T| {
        for first in (0..weights.channels).step_by(width) {
            let cols = width.min(weights.channels - first);
            // SAFETY: the caller's promise; the panel and the sums have room for whole vectors.
            unsafe {
                accumulate(kernels, weights, job, first, cols, sums);
                transpose(kernels, job, first, cols, sums);
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
    let panel = weights.packed.as_ptr().wrapping_add(first * weights.depth);
    // Inputs that no tap reaches have a gradient of 0: a sum over nothing.
    let nothing = (weights.depth == 0).then_some((0, 0));
    for (start, k) in balanced(weights.depth, DEPTH).chain(nothing) {
        for (pixel, rows) in balanced(job.pixels.len(), kernels.gather_rows) {
            // SAFETY: the caller's promise.
            unsafe {
                (kernels.gather[rows - 1][vectors - 1])(&Block {
                    k,
                    a: job.source,
                    a_rs: 0,
                    a_cs: 0,
                    a_rows: job.pixels.as_ptr().add(pixel),
                    a_columns: job.steps.as_ptr().add(start),
                    b: panel.add(start * width),
                    b_stride: width as isize,
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

/// From `sums[pixel][channel]` to the output, with the epilogue.
unsafe fn transpose<T: Real>(kernels: &Kernels<T>, job: &Pixels<T>, first: usize, cols: usize, sums: *mut T) {
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
            if !job.epilogue.is_none() {
                let epilogue = job.epilogue.offset(first, 0);
                let rs = job.channel as isize;
                (kernels.epilogue)(&Region { c: out, rs, cs: 1, rows: cols, cols: count, epilogue });
            }
            return;
        };
        debug_assert!(job.epilogue.is_none(), "an input gradient has no epilogue");
        for c in 0..cols {
            for (pixel, &offset) in offsets.iter().enumerate() {
                *out.add(c * job.channel).offset(offset) = *sums.add(pixel * width + c);
            }
        }
    }
}
