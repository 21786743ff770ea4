//! Convolution with 3×3 taps at a stride of 1 by Winograd's minimal filtering, F(2×2, 3×3) (Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2016): 16 products per 2×2 outputs and pair of channels instead of 36.
//!
//! Overlapping 4×4 tiles of the input and the filters are transformed, multiplied point by point, which for all channels together
//! are 16 matrix products, and transformed back. Factors are 1 and ½ only, so that f32 loses about a bit. Infinities and NaN are
//! left to the direct algorithm ([`exact`]).
//! Tiles have channels in their lanes; images are transposed on the way in and out, a band of tile rows at a time.
//! The input gradient is the same with filters turned round and channels exchanged, the weight gradient the same with
//! gradients in the place of filters ([`weight_grad`]).

mod exact;
mod transform;
mod weight_grad;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::offsets::Offsets;
use super::{Conv2d, Element, Epilogue, Target, finish};
use crate::gemm::{Activation, Block, Kernels, Panel, Real, balanced};
use crate::{Isa, parallel, scratch};
use exact::Suspects;
use transform::{Filter, Input, Output, POINTS};

pub(super) use exact::{pack, packed_len, run};
pub(super) use weight_grad::weight_grad;

/// Values of transformed tiles and products that a band may have: the second-level cache.
const BAND: usize = 256 * 1024;
/// Channels per pass of a product: their weights stay in the first-level cache.
const DEPTH: usize = 320;

/// What is convolved with what, for any of forward and input gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    batch: usize,
    inputs: usize,
    outputs: usize,
    /// Height and width of the source.
    size: [usize; 2],
    /// The source's row and column under the first tap of the first output.
    origin: [isize; 2],
    /// Height and width of the result.
    out: [usize; 2],
    /// Tiles down and across.
    tiles: [usize; 2],
}

impl Plan {
    /// For the convolution, if it is one for Winograd.
    pub fn forward(conv: &Conv2d) -> Option<Plan> {
        let origin = conv.padding.map(|padding| -(padding as isize));
        let io = [conv.in_channels, conv.out_channels];
        Plan::new(conv, io, conv.size, conv.out, origin)
    }

    /// For its input gradient.
    pub fn input_grad(conv: &Conv2d) -> Option<Plan> {
        let origin = conv.padding.map(|padding| padding as isize - 2);
        let io = [conv.out_channels, conv.in_channels];
        Plan::new(conv, io, conv.out, conv.size, origin)
    }

    fn new(
        conv: &Conv2d,
        [inputs, outputs]: [usize; 2],
        size: [usize; 2],
        out: [usize; 2],
        origin: [isize; 2],
    ) -> Option<Plan> {
        let simple =
            conv.groups == 1 && conv.kernel == [3, 3] && conv.stride == [1, 1] && conv.dilation == [1, 1];
        let tiles = out.map(|n| n.div_ceil(2));
        // With few channels, transforms cost more than products; with few tiles, reading 16 / 9 of the weights does.
        let worth = inputs >= 16
            && outputs >= 16
            && 9 * out[0] * out[1] >= 24 * tiles[0] * tiles[1]
            && conv.batch * tiles[0] * tiles[1] >= 24;
        (simple && worth).then_some(Plan { batch: conv.batch, inputs, outputs, size, origin, out, tiles })
    }

    /// Values of the transformed filters.
    fn packed_len<T: Real>(&self, kernels: &Kernels<T>) -> usize {
        POINTS * self.packed_point(kernels)
    }

    /// From a point of the transformed filters to the next: a vector more than they are, so that the points of a filter do
    /// not fall into one set of the cache.
    fn packed_point<T: Real>(&self, kernels: &Kernels<T>) -> usize {
        self.inputs * self.outputs.next_multiple_of(kernels.lanes) + kernels.lanes
    }

    /// Rows of tiles in all images.
    fn rows(&self) -> usize {
        self.batch * self.tiles[0]
    }

    /// Rows of tiles, cut where images end: `(image, first row, rows)`.
    fn segments(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, usize, usize)> {
        let (down, Range { start: mut row, end }) = (self.tiles[0], rows);
        std::iter::from_fn(move || {
            let (image, first) = (row / down, row % down);
            let count = (down - first).min(end - row);
            row += count;
            (count > 0).then_some((image, first, count))
        })
    }
}

/// Where a filter's values lie: tap t from input channel i to output channel o at `i·input + o·output + t`.
struct Filters<T> {
    from: *const T,
    input: usize,
    output: usize,
    /// Taps in reverse.
    turned: bool,
}

/// Transforms the filters: per point, panels of output channels, `[panel][input][lanes of the panel]`. Whether all that was written
/// is finite.
///
/// # Safety
/// The filters cover the plan's channels; `to` has room for [`Plan::packed_len`] values.
unsafe fn transform_filters<T: Element>(isa: Isa, plan: &Plan, filters: &Filters<T>, to: *mut T) -> bool {
    const CHANNELS: usize = 16;
    let kernels = T::kernels(isa);
    let width = kernels.lanes * kernels.tile_vectors;
    let chunks = plan.inputs.div_ceil(CHANNELS);
    let point = plan.packed_point(kernels);
    let &Filters { from, input: input_stride, output: output_stride, turned } = filters;
    let finite = AtomicBool::new(true);
    let shared = parallel::Shared((from, to));
    let task = |index: usize| {
        let (first, input) = (index / chunks * width, index % chunks * CHANNELS);
        let present = width.min(plan.outputs - first);
        let channels = CHANNELS.min(plan.inputs - input);
        let width = present.next_multiple_of(kernels.lanes);
        let (from, to) = shared.get();
        scratch::with(9 * CHANNELS * width + kernels.lanes, |source: *mut T| {
            // SAFETY: the caller's promise; every task has its own channels.
            unsafe {
                let from = from.add(first * output_stride + input * input_stride);
                let is = output_stride as isize;
                let whole =
                    Panel { to: source, stride: width, width, from, is, ps: 1, present, k: 9 * channels };
                let (tap, channel) = if turned || input_stride != 9 {
                    for tap in 0..9 {
                        (kernels.pack)(&Panel {
                            to: source.add(tap * channels * width),
                            from: from.add(if turned { 8 - tap } else { tap }),
                            ps: input_stride as isize,
                            k: channels,
                            ..whole
                        });
                    }
                    (channels * width, width)
                } else {
                    (kernels.pack)(&whole);
                    (width, 9 * width)
                };
                let to = to.add(first * plan.inputs + input * width);
                if !T::dispatch(isa, Filter { source, tap, channel, channels, width, to, point }) {
                    finite.store(false, Ordering::Relaxed);
                }
            }
        });
    };
    let tasks = plan.outputs.div_ceil(width) * chunks;
    if plan.inputs * plan.outputs * 9 < parallel::GRAIN / 4 {
        (0..tasks).for_each(task);
    } else {
        parallel::for_each(tasks, task);
    }
    finite.into_inner()
}

/// How the work is cut: bands of tile rows, and for few tiles parts of the output channels.
struct Cut {
    bands: usize,
    /// Tiles of the largest band.
    pitch: usize,
    parts: usize,
    /// Panels per part.
    panels: usize,
}

impl Cut {
    fn new(plan: &Plan, panels: usize) -> Cut {
        let threads = parallel::available_threads();
        let fit = (BAND / (POINTS * (plan.inputs + plan.outputs) * plan.tiles[1])).max(1);
        // Every band reads all weights: enough tiles to be worth it.
        let least = 28usize.div_ceil(plan.tiles[1]);
        let most = plan.rows().div_ceil(least);
        let bands = plan.rows().div_ceil(fit).min(most).next_multiple_of(threads).min(plan.rows());
        let few = plan.rows() * plan.tiles[1] < 32 * threads;
        let parts = if few { threads.min(panels) } else { 1 };
        let bands = if few { plan.rows().div_ceil(fit.max(least)) } else { bands };
        Cut {
            bands,
            pitch: plan.rows().div_ceil(bands) * plan.tiles[1],
            parts,
            panels: panels.div_ceil(parts),
        }
    }
}

/// The convolution, with filters made by [`transform_filters`], and the images whose results are not all finite.
///
/// # Safety
/// The pointers cover what the plan describes.
unsafe fn convolve<T: Element>(
    isa: Isa,
    plan: &Plan,
    x: *const T,
    filters: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
) -> Suspects {
    let kernels = T::kernels(isa);
    let width = kernels.lanes * kernels.tile_vectors;
    let cut = Cut::new(plan, plan.outputs.div_ceil(width));
    let lanes = kernels.lanes;
    let row_of = |tile: usize| (tile * lanes) as isize;
    let column_of = |c: usize| (c / lanes * cut.pitch * lanes + c % lanes) as isize;
    let band = Band {
        kernels,
        isa,
        plan,
        pitch: cut.pitch,
        tiles: (0..cut.pitch).map(row_of).collect(),
        channels: (0..plan.inputs).map(column_of).collect(),
        suspects: Suspects::default(),
    };
    let shared = parallel::Shared((x, filters, *epilogue, target));
    parallel::for_each(cut.bands * cut.parts, |task| {
        let (index, part) = (task / cut.parts, task % cut.parts);
        let (x, filters, epilogue, target) = shared.get();
        let rows = index * plan.rows() / cut.bands..(index + 1) * plan.rows() / cut.bands;
        let first = part * cut.panels * width;
        let outputs = first.min(plan.outputs)..plan.outputs.min(first + cut.panels * width);
        // SAFETY: the caller's promise; tasks write different rows or channels.
        unsafe { band.run(x, filters, &epilogue, target, rows, outputs) };
    });
    band.suspects
}

/// What all bands have in common.
struct Band<'a, T: 'static> {
    kernels: &'static Kernels<T>,
    isa: Isa,
    plan: &'a Plan,
    pitch: usize,
    /// Where tiles and channels lie in the transformed input.
    tiles: Offsets,
    channels: Offsets,
    suspects: Suspects,
}

impl<T: Element> Band<'_, T> {
    unsafe fn run(
        &self,
        x: *const T,
        filters: *const T,
        epilogue: &Epilogue<T>,
        target: Target<T>,
        rows: Range<usize>,
        outputs: Range<usize>,
    ) {
        let (plan, lanes) = (self.plan, self.kernels.lanes);
        let blocks = plan.inputs.div_ceil(lanes);
        // A vector more, so that the points of a tile do not fall into one set of the cache.
        let point = blocks * self.pitch * lanes + lanes;
        let product = outputs.len().next_multiple_of(lanes) * self.pitch + lanes;
        let down = rows.len().min(plan.tiles[0]);
        let image = (2 * down + 2) * (2 * plan.tiles[1] + 2) * lanes;
        scratch::with(POINTS * (point + product) + 2 * image, |buffer: *mut T| {
            // SAFETY: the buffer has room for the three; the rest is the caller's promise.
            unsafe {
                let products = buffer.add(POINTS * point);
                let source = products.add(POINTS * product);
                let mut tile = 0;
                for (image, first, count) in plan.segments(rows.clone()) {
                    for block in 0..blocks {
                        let planes = Planes {
                            channels: block * lanes..plan.inputs.min((block + 1) * lanes),
                            of: plan.inputs,
                            size: plan.size,
                            origin: [plan.origin[0] + 2 * first as isize, plan.origin[1]],
                            extent: [2 * count + 2, 2 * plan.tiles[1] + 2],
                        };
                        planes.fill(self.kernels, x, image, source);
                        let to = buffer.add((block * self.pitch + tile) * lanes);
                        let tiles = [count, plan.tiles[1]];
                        T::dispatch(self.isa, Input { source: source.cast_const(), tiles, to, point });
                    }
                    tile += count * plan.tiles[1];
                }
                self.multiply(buffer, point, filters, &outputs, tile, products, product);
                let mut tile = 0;
                for segment in plan.segments(rows) {
                    self.store(products, product, &outputs, tile, segment, source, epilogue, target);
                    tile += segment.2 * plan.tiles[1];
                }
            }
        });
    }

    /// The products of every point: `[panel][tile][lanes of the panel]`.
    #[expect(clippy::too_many_arguments, reason = "three matrices and their distances")]
    unsafe fn multiply(
        &self,
        tiles: *const T,
        point: usize,
        filters: *const T,
        outputs: &Range<usize>,
        count: usize,
        products: *mut T,
        product: usize,
    ) {
        let (plan, kernels) = (self.plan, self.kernels);
        let whole = plan.packed_point(kernels);
        for index in 0..POINTS {
            for first in outputs.clone().step_by(kernels.lanes * kernels.tile_vectors) {
                let present = (kernels.lanes * kernels.tile_vectors).min(plan.outputs - first);
                let width = present.next_multiple_of(kernels.lanes);
                for (start, k) in balanced(plan.inputs, DEPTH) {
                    let b = filters.wrapping_add(index * whole + first * plan.inputs + start * width);
                    for (tile, rows) in balanced(count, kernels.gather_rows) {
                        // SAFETY: the caller's promise.
                        unsafe {
                            (kernels.gather[rows - 1][width / kernels.lanes - 1])(&Block {
                                k,
                                a: tiles.add(index * point),
                                a_rs: 0,
                                a_cs: 0,
                                a_rows: self.tiles.as_ptr().add(tile),
                                a_columns: self.channels.as_ptr().add(start),
                                b,
                                b_stride: width as isize,
                                ahead: b,
                                c: products.add(
                                    index * product + (first - outputs.start) * self.pitch + tile * width,
                                ),
                                c_rs: width as isize,
                                cols: width,
                                alpha: Real::ONE,
                                beta: (start > 0).then_some(Real::ONE),
                            });
                        }
                    }
                }
            }
        }
    }

    /// Transforms the products of some rows of tiles of an image back, and writes them.
    #[expect(clippy::too_many_arguments, reason = "where from, where to, and what")]
    unsafe fn store(
        &self,
        products: *const T,
        product: usize,
        outputs: &Range<usize>,
        tile: usize,
        (image, row, count): (usize, usize, usize),
        buffer: *mut T,
        epilogue: &Epilogue<T>,
        target: Target<T>,
    ) {
        let (plan, kernels, lanes) = (self.plan, self.kernels, self.kernels.lanes);
        let width = lanes * kernels.tile_vectors;
        let kept = [(2 * count).min(plan.out[0] - 2 * row), plan.out[1]];
        let pool = matches!(target, Target::Pooled { .. });
        let pixels = if pool { count * plan.tiles[1] } else { kept[0] * kept[1] };
        let plane = plan.out[0] * plan.out[1] / if pool { 4 } else { 1 };
        let start = if pool { row * plan.tiles[1] } else { 2 * row * plan.out[1] };
        let fused = epilogue.is_simple();
        let codes = match target {
            Target::Pooled { codes: Some(codes), .. } => Some((codes, buffer.wrapping_add(pixels * lanes))),
            _ => None,
        };
        for channel in outputs.clone().step_by(lanes) {
            let panel = (channel - outputs.start) / width * width + outputs.start;
            let step = width.min(plan.outputs - panel).next_multiple_of(lanes);
            let present = lanes.min(plan.outputs - channel);
            // SAFETY: the caller's promise.
            unsafe {
                let finite = T::dispatch(
                    self.isa,
                    Output {
                        source: products
                            .add((panel - outputs.start) * self.pitch + tile * step + channel - panel),
                        point: product,
                        step,
                        tiles: [count, plan.tiles[1]],
                        kept,
                        to: buffer,
                        bias: epilogue.bias.map(|bias| (bias.add(channel), present)),
                        relu: fused && epilogue.activation == Activation::Relu,
                        pool,
                        codes: codes.map(|(_, buffer)| buffer),
                    },
                );
                if !finite {
                    self.suspects.add(image);
                }
                let offset = (image * plan.outputs + channel) * plane + start;
                let panel = Panel {
                    to: target.y().add(offset),
                    stride: plane,
                    width: pixels,
                    from: buffer.cast_const(),
                    is: lanes as isize,
                    ps: 1,
                    present: pixels,
                    k: present,
                };
                (kernels.pack)(&panel);
                if let Some((codes, from)) = codes {
                    let rows = from.add(pixels * lanes);
                    (kernels.pack)(&Panel { to: rows, stride: pixels, from: from.cast_const(), ..panel });
                    for c in 0..present {
                        let codes = codes.add(offset + c * plane);
                        for pixel in 0..pixels {
                            *codes.add(pixel) = (*rows.add(c * pixels + pixel)).code() as u8;
                        }
                    }
                }
                if !fused {
                    let rest = Epilogue { bias: None, ..epilogue.from(channel, offset) };
                    finish(self.isa, &rest, panel.to, [present, pixels], plane);
                }
            }
        }
    }
}

/// A rectangle of a block of channels of an image, with zeros outside of the image.
struct Planes {
    channels: Range<usize>,
    /// Channels of an image.
    of: usize,
    size: [usize; 2],
    origin: [isize; 2],
    extent: [usize; 2],
}

impl Planes {
    /// Writes `[row][column][lane]`.
    ///
    /// # Safety
    /// `x` covers the image; `to` has room for the extent and a vector more.
    unsafe fn fill<T: Real>(&self, kernels: &Kernels<T>, x: *const T, image: usize, to: *mut T) {
        let ([height, width], lanes) = (self.size, kernels.lanes);
        let plane = height * width;
        let [rows, columns] = self.extent;
        let start = (-self.origin[1]).max(0).unsigned_abs().min(columns);
        let end = (width as isize - self.origin[1]).max(0).unsigned_abs().clamp(start, columns);
        for row in 0..rows {
            let y = self.origin[0] + row as isize;
            // SAFETY: the caller's promise; only the image is read.
            unsafe {
                let to = to.add(row * columns * lanes);
                if y < 0 || y >= height as isize || start == end {
                    zero(to, columns * lanes);
                    continue;
                }
                zero(to, start * lanes);
                let first = (image * self.of + self.channels.start) * plane + y as usize * width;
                (kernels.pack)(&Panel {
                    to: to.add(start * lanes),
                    stride: lanes,
                    width: lanes,
                    from: x.add(first).wrapping_offset(self.origin[1] + start as isize),
                    is: plane as isize,
                    ps: 1,
                    present: self.channels.len(),
                    k: end - start,
                });
                zero(to.add(end * lanes), (columns - end) * lanes);
            }
        }
    }
}

unsafe fn zero<T: Copy + Default>(to: *mut T, len: usize) {
    for i in 0..len {
        // SAFETY: the caller has room for `len` values.
        unsafe { *to.add(i) = T::default() };
    }
}
