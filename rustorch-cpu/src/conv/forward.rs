//! The convolution itself.

use std::ops::Range;

use super::gather::{Layout, Pixels, Weights, gather, pack};
use super::offsets::Offsets;
use super::planes::Planes;
use super::{Conv2d, Element, Epilogue, Target, finish};
use crate::gemm::{BatchDim, MatMut, MatRef, Product, Real};
use crate::pooling::halve;
use crate::{Isa, parallel, scratch};

/// Values of a band's source, to stay in the second-level cache beside weights.
const BAND: usize = 48 * 1024;
/// The same where there are few pixels, so that a second band would be all that reads the weights again.
const FEW_BAND: usize = 128 * 1024;

/// A matrix product per image.
///
/// # Safety
/// As for [`super::forward`].
pub(super) unsafe fn pointwise<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    weight: *const T,
    epilogue: &Epilogue<T>,
    y: *mut T,
) {
    let pixels = conv.out[0] * conv.out[1];
    let simple = epilogue.residual.is_none();
    let product = Product {
        m: conv.out_channels,
        n: pixels,
        k: conv.in_channels,
        alpha: Real::ONE,
        a: MatRef { ptr: weight, rs: conv.in_channels as isize, cs: 1 },
        b: MatRef { ptr: x, rs: pixels as isize, cs: 1 },
        beta: T::default(),
        c: MatMut { ptr: y, rs: pixels as isize, cs: 1 },
        epilogue: if simple { epilogue.of_rows() } else { Epilogue::NONE.of_rows() },
    };
    let [a, b, c] = [0, conv.in_channels * pixels, conv.out_channels * pixels].map(|stride| stride as isize);
    // SAFETY: the caller's promise.
    unsafe { product.run_on(isa, &[BatchDim { size: conv.batch, a, b, c }]) }
    if !simple {
        let shared = parallel::Shared((*epilogue, y));
        parallel::for_each(conv.batch, |image| {
            let (epilogue, y) = shared.get();
            let offset = image * conv.out_channels * pixels;
            // SAFETY: the caller's promise.
            unsafe {
                finish(isa, &epilogue.from(0, offset), y.add(offset), [conv.out_channels, pixels], pixels);
            }
        });
    }
}

/// Packs the weights of all groups.
///
/// # Safety
/// As for [`super::pack`].
pub(super) unsafe fn pack_groups<T: Element>(isa: Isa, conv: &Conv2d, weight: *const T, to: *mut T) {
    let (outputs, depth) = (conv.group_out(), conv.group_in() * conv.taps());
    let len = group_len::<T>(isa, conv);
    for group in 0..conv.groups {
        // SAFETY: the weights of this group's output channels.
        unsafe {
            let layout = Layout {
                from: weight.add(group * outputs * depth),
                depth,
                stride: 1,
                runs: 1,
                start: |_| 0,
                channels: outputs,
                channel_stride: depth as isize,
            };
            pack(T::kernels(isa), &layout, to.add(group * len));
        }
    }
}

/// Values of a group's packed weights.
pub(super) fn group_len<T: Element>(isa: Isa, conv: &Conv2d) -> usize {
    super::gather::packed_len(T::kernels(isa), conv.group_in() * conv.taps(), conv.group_out())
}

/// One group, with weights made by [`pack_groups`].
///
/// # Safety
/// As for [`super::forward_packed`].
pub(super) unsafe fn one_group<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
    group: usize,
) {
    let kernels = T::kernels(isa);
    let (channels, outputs, depth) = (conv.group_in(), conv.group_out(), conv.group_in() * conv.taps());
    let width = kernels.lanes * kernels.tile_vectors;
    let pool = matches!(target, Target::Pooled { .. });
    let cut = Cut::new(conv, channels, outputs.div_ceil(width), pool);
    let plan = Band::new(conv, channels, cut.rows);
    let in_plane = conv.size[0] * conv.size[1];
    let shared = parallel::Shared((x, packed, *epilogue, target));
    parallel::for_each(conv.batch * cut.bands * cut.parts, |task| {
        let (part, band) = (task % cut.parts, task / cut.parts);
        let (image, first) = (band / cut.bands, band % cut.bands * cut.rows);
        let (x, packed, epilogue, target) = shared.get();
        let weights = Weights { packed, depth, channels: outputs };
        let rows = cut.rows.min(conv.out[0] - first);
        let start = part * cut.panels * width;
        let part = start.min(outputs)..outputs.min(start + cut.panels * width);
        let mut planes = plan.planes;
        planes.origin[0] += (first * conv.stride[0]) as isize;
        scratch::with(channels * planes.channel(), |source: *mut T| {
            // SAFETY: the caller's promise; bands and parts are disjoint.
            unsafe {
                let from = x.add((image * conv.in_channels + group * channels) * in_plane);
                planes.fill(isa, from, conv.size, channels, source);
                let pixels = &plan.pixels[..rows * conv.out[1]];
                let at = [image, group * outputs, first];
                let out = Out { isa, conv, weights, part, at, rows };
                out.run(source, pixels, &plan.steps, &epilogue, target);
            }
        });
    });
}

/// A band of rows of some output channels of an image.
struct Out<'a, T> {
    isa: Isa,
    conv: &'a Conv2d,
    weights: Weights<T>,
    part: Range<usize>,
    /// Image, first channel of the group, first row.
    at: [usize; 3],
    rows: usize,
}

impl<T: Element> Out<'_, T> {
    unsafe fn run(
        self,
        source: *const T,
        pixels: &[isize],
        steps: &[isize],
        epilogue: &Epilogue<T>,
        target: Target<T>,
    ) {
        let Self { isa, conv, weights, part, at: [image, channel, first], rows } = self;
        let [height, width] = conv.out;
        let channels = image * conv.out_channels + channel;
        let start = channels * height * width + first * width;
        let epilogue = epilogue.from(channel, start);
        let mut job = Pixels {
            source,
            pixels,
            steps,
            out: target.y(),
            channel: height * width,
            scatter: None,
            epilogue,
        };
        // SAFETY: the caller's promise.
        unsafe {
            let Target::Pooled { y, codes } = target else {
                job.out = job.out.add(start);
                return gather(isa, &weights, &job, part);
            };
            // The channels before this part are not there.
            scratch::with(part.len() * rows * width, |band: *mut T| {
                job.channel = rows * width;
                job.out = band.wrapping_sub(part.start * job.channel);
                gather(isa, &weights, &job, part.clone());
                let plane = height / 2 * (width / 2);
                for c in part.clone() {
                    let to = (channels + c) * plane + first / 2 * (width / 2);
                    let from = job.out.wrapping_add(c * job.channel);
                    let codes = codes.map(|codes| codes.add(to));
                    halve(isa, [rows / 2, width / 2], from, width, y.add(to), codes);
                }
            });
        }
    }
}

/// How a group is cut: bands of rows, and for few pixels parts of the output channels.
struct Cut {
    rows: usize,
    bands: usize,
    parts: usize,
    /// Panels per part.
    panels: usize,
}

impl Cut {
    /// Few enough rows for the cache and to give every thread something to do. Every band reads all weights, so that
    /// with few pixels threads share out the weights instead.
    fn new(conv: &Conv2d, channels: usize, panels: usize, pool: bool) -> Cut {
        let threads = parallel::available_threads();
        let [height, width] = conv.out;
        let source_row = channels * (conv.size[1] + 2 * conv.padding[1]) * conv.stride[0];
        let few = conv.batch * height * width < 256 * threads;
        let most = if few { FEW_BAND } else { BAND };
        let fit = (most / source_row.max(1)).min(1024 / width.max(1)).max(1);
        let parts = if few { threads.min(panels) } else { 1 };
        let share = if parts > 1 { height } else { (conv.batch * height).div_ceil(2 * threads).max(1) };
        let rows = height.div_ceil(height.div_ceil(fit.min(share)));
        let rows = if pool { rows.next_multiple_of(2) } else { rows }.min(height);
        Cut { rows, bands: height.div_ceil(rows), parts, panels: panels.div_ceil(parts) }
    }
}

/// The offsets that all bands have in common.
pub(super) struct Band {
    /// The source of the first band.
    pub planes: Planes,
    pub pixels: Offsets,
    /// By channel, then tap.
    pub steps: Offsets,
}

impl Band {
    /// For bands of `rows` output rows, with `channels` channels of the input.
    pub fn new(conv: &Conv2d, channels: usize, rows: usize) -> Band {
        let reach = |axis: usize, outputs: usize| {
            (outputs - 1) * conv.stride[axis] + (conv.kernel[axis] - 1) * conv.dilation[axis] + 1
        };
        let planes = Planes {
            origin: [-(conv.padding[0] as isize), -(conv.padding[1] as isize)],
            extent: [reach(0, rows), reach(1, conv.out[1])],
            step: conv.stride[1],
            every: if conv.kernel[0] == 1 { conv.stride[0] } else { 1 },
            phases: if conv.kernel[1] == 1 { 1 } else { conv.stride[1] },
        };
        let row = |y: usize| (0..conv.out[1]).map(move |x| (y * conv.stride[0] * planes.row() + x) as isize);
        let tap = |c: usize, ky: usize, kx: usize| {
            (c * planes.channel()) as isize + planes.tap(ky * conv.dilation[0], kx * conv.dilation[1])
        };
        let taps = (0..conv.kernel[0]).flat_map(|ky| (0..conv.kernel[1]).map(move |kx| (ky, kx)));
        let steps = (0..channels).flat_map(|c| taps.clone().map(move |(ky, kx)| tap(c, ky, kx))).collect();
        Band { planes, pixels: (0..rows).flat_map(row).collect(), steps }
    }
}
