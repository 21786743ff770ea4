//! Convolutions with few products per output (a first layer's few input channels, or depthwise ones) or few outputs.
//!
//! Vectors hold neighbouring pixels of a row and weights are broadcast, so that nothing is transposed: with a dozen products per
//! output, turning vectors of channels into rows of pixels would cost as much as the products. And with a few output
//! channels, vectors of channels would be mostly empty.

#![expect(clippy::needless_range_loop, reason = "small matrices, whose rows and columns have numbers")]

use std::ops::Range;

use super::forward::Band;
use super::{Conv2d, Element, Epilogue, Target, finish};
use crate::gemm::Activation;
use crate::pooling::halve;
use crate::vector::{Vector, VectorKernel};
use crate::{Float, Isa, parallel, scratch};

/// Products per output, at most.
const MOST: usize = 32;
/// Or output channels.
const OUTPUTS: usize = 4;
/// Values of a band's source, to stay in the first-level cache.
const BAND: usize = 6 * 1024;
/// Lanes of the widest vector.
const LANES: usize = 16;

/// The convolution that is computed, if it is a small one: for an input gradient, the one with taps turned round.
pub(super) fn forward(conv: &Conv2d) -> Option<Conv2d> {
    (is_small(conv) && !conv.is_pointwise()).then_some(*conv)
}

fn is_small(conv: &Conv2d) -> bool {
    conv.group_in() * conv.taps() <= MOST || conv.group_out() <= OUTPUTS
}

/// As [`forward`], for the input gradient.
pub(super) fn input_grad(conv: &Conv2d) -> Option<Conv2d> {
    let reach = [0, 1].map(|axis| conv.dilation[axis] * (conv.kernel[axis].max(1) - 1));
    let turns = conv.stride == [1, 1] && (0..2).all(|axis| conv.padding[axis] <= reach[axis]);
    let turned = Conv2d {
        in_channels: conv.out_channels,
        out_channels: conv.in_channels,
        size: conv.out,
        out: conv.size,
        padding: [0, 1].map(|axis| reach[axis].wrapping_sub(conv.padding[axis])),
        ..*conv
    };
    (turns && is_small(&turned)).then_some(turned)
}

/// Output channels computed side by side.
fn tile<T: Element>(isa: Isa, outputs: usize) -> usize {
    let most = if T::kernels(isa).lanes * size_of::<T>() == 64 { 8 } else { 4 };
    outputs.next_power_of_two().clamp(1, most)
}

/// Values of the packed weights: `[group][tile of channels][(channel, tap)][channel of the tile]`.
pub(super) fn packed_len<T: Element>(isa: Isa, conv: &Conv2d) -> usize {
    let tile = tile::<T>(isa, conv.group_out());
    conv.groups * conv.group_out().next_multiple_of(tile) * conv.group_in() * conv.taps()
}

/// Packs the weights of `conv`, as computed; `turned` if they are those of its input gradient.
///
/// # Safety
/// As for [`super::pack`].
pub(super) unsafe fn pack<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    turned: bool,
    weight: *const T,
    mut to: *mut T,
) {
    let (inputs, outputs, taps) = (conv.group_in(), conv.group_out(), conv.taps());
    let tile = tile::<T>(isa, outputs);
    for group in 0..conv.groups {
        let from = weight.wrapping_add(group * inputs * outputs * taps);
        for first in (0..outputs).step_by(tile) {
            for (c, tap) in (0..inputs).flat_map(|c| (0..taps).map(move |tap| (c, tap))) {
                for o in first..first + tile {
                    let at = match turned {
                        true => (c * outputs + o) * taps + taps - 1 - tap,
                        false => (o * inputs + c) * taps + tap,
                    };
                    // SAFETY: the caller's promise.
                    unsafe {
                        *to = if o < outputs { *from.add(at) } else { T::default() };
                        to = to.add(1);
                    }
                }
            }
        }
    }
}

/// The convolution, with weights made by [`pack`].
///
/// # Safety
/// As for [`super::forward_packed`].
pub(super) unsafe fn run<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
) {
    let channels = conv.group_in();
    let [height, width] = conv.out;
    let source_row = channels * (conv.size[1] + 2 * conv.padding[1]) * conv.stride[0];
    let share = (conv.batch * conv.groups * height).div_ceil(2 * parallel::available_threads());
    let fit = (BAND / source_row.max(1)).min(share).clamp(1, height);
    let pooled = matches!(target, Target::Pooled { .. });
    let rows = height.div_ceil(height.div_ceil(fit)).next_multiple_of(if pooled { 2 } else { 1 }).min(height);
    let bands = height.div_ceil(rows);
    let band = Band::new(conv, channels, rows);
    let shared = parallel::Shared((x, packed, *epilogue, target));
    let per_group = packed_len::<T>(isa, conv) / conv.groups;
    let task = |index: usize| {
        let (image, group) = (index / bands / conv.groups, index / bands % conv.groups);
        let first = index % bands * rows;
        let (x, packed, epilogue, target) = shared.get();
        let mut planes = band.planes;
        planes.origin[0] += (first * conv.stride[0]) as isize;
        let len = channels * planes.channel();
        // Vectors reach beyond the last row's end.
        scratch::with(len + 2 * LANES, |source: *mut T| {
            // SAFETY: the caller's promise; bands are disjoint.
            unsafe {
                let at = image * conv.in_channels + group * channels;
                planes.fill(isa, x.add(at * conv.size[0] * conv.size[1]), conv.size, channels, source);
                for i in 0..2 * LANES {
                    *source.add(len + i) = T::default();
                }
                let job = Job {
                    isa,
                    conv,
                    source: source.cast_const(),
                    row: conv.stride[0] * planes.row(),
                    steps: &band.steps,
                    packed: packed.add(group * per_group),
                    rows: first..height.min(first + rows),
                    first: image * conv.out_channels + group * conv.group_out(),
                    epilogue: epilogue.from(group * conv.group_out(), 0),
                };
                match target {
                    Target::Plain(y) => job.plain(y),
                    Target::Pooled { y, codes } => job.pooled(y, codes),
                }
            }
        });
    };
    let tasks = conv.batch * conv.groups * bands;
    let cost = conv.batch * conv.out_channels * height * width * channels * conv.taps() / 8;
    if cost < parallel::GRAIN { (0..tasks).for_each(task) } else { parallel::for_each(tasks, task) }
}

/// A band of rows of a group.
struct Job<'a, T> {
    isa: Isa,
    conv: &'a Conv2d,
    source: *const T,
    /// From the source of an output row to that of the next.
    row: usize,
    steps: &'a [isize],
    packed: *const T,
    rows: Range<usize>,
    /// The first channel among those of all images.
    first: usize,
    /// For the group's first channel; a residual's pointer is for the whole tensor.
    epilogue: Epilogue<T>,
}

impl<T: Element> Job<'_, T> {
    unsafe fn plain(&self, y: *mut T) {
        let ([height, width], outputs) = (self.conv.out, self.conv.group_out());
        let (plane, start) = (height * width, self.first * height * width + self.rows.start * width);
        let tile = tile::<T>(self.isa, outputs);
        // SAFETY: the caller's promise.
        unsafe {
            for first in (0..outputs).step_by(tile) {
                self.tile(tile, first, y.add(start + first * plane), plane);
            }
            if !self.epilogue.is_simple() {
                let rest = Epilogue { bias: None, ..self.epilogue.from(0, start) };
                finish(self.isa, &rest, y.add(start), [outputs, self.rows.len() * width], plane);
            }
        }
    }

    unsafe fn pooled(&self, y: *mut T, codes: Option<*mut u8>) {
        let ([height, width], outputs) = (self.conv.out, self.conv.group_out());
        let (plane, rows) = (height / 2 * (width / 2), self.rows.len());
        let start = self.first * plane + self.rows.start / 2 * (width / 2);
        let tile = tile::<T>(self.isa, outputs);
        scratch::with(tile * rows * width, |band: *mut T| {
            for first in (0..outputs).step_by(tile) {
                // SAFETY: the caller's promise; the buffer has room for a tile of channels.
                unsafe {
                    self.tile(tile, first, band, rows * width);
                    for c in first..outputs.min(first + tile) {
                        let from = band.add((c - first) * rows * width).cast_const();
                        let to = start + c * plane;
                        let codes = codes.map(|codes| codes.add(to));
                        halve(self.isa, [rows / 2, width / 2], from, width, y.add(to), codes);
                    }
                }
            }
        });
    }

    /// Some channels from one on, at `y` and at a distance of `channel`.
    unsafe fn tile(&self, tile: usize, first: usize, y: *mut T, channel: usize) {
        let work = Rows {
            source: self.source,
            row: self.row,
            steps: self.steps,
            weights: self.packed.wrapping_add(first * self.steps.len()),
            rows: self.rows.len(),
            columns: self.conv.out[1],
            bias: self.epilogue.bias.map(|bias| bias.wrapping_add(first)),
            relu: self.epilogue.is_simple() && self.epilogue.activation == Activation::Relu,
            present: tile.min(self.conv.group_out() - first),
            y,
            channel,
        };
        match tile {
            8 => T::dispatch(self.isa, Tile::<T, 8>(work)),
            4 => T::dispatch(self.isa, Tile::<T, 4>(work)),
            2 => T::dispatch(self.isa, Tile::<T, 2>(work)),
            _ => T::dispatch(self.isa, Tile::<T, 1>(work)),
        }
    }
}

struct Rows<'a, T> {
    source: *const T,
    row: usize,
    steps: &'a [isize],
    weights: *const T,
    rows: usize,
    columns: usize,
    bias: Option<*const T>,
    relu: bool,
    /// Channels that there are, of those that are computed.
    present: usize,
    y: *mut T,
    channel: usize,
}

struct Tile<'a, T, const N: usize>(Rows<'a, T>);

impl<T: Float, const N: usize> VectorKernel<T> for Tile<'_, T, N> {
    type Output = ();
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let work = &self.0;
        for row in 0..work.rows {
            let mut column = 0;
            while column < work.columns {
                // SAFETY: the maker's promise; the source may be read two vectors beyond its end.
                unsafe {
                    if work.columns - column > V::LANES {
                        pixels::<V, N, 2>(work, row, column);
                        column += 2 * V::LANES;
                    } else {
                        pixels::<V, N, 1>(work, row, column);
                        column += V::LANES;
                    }
                }
            }
        }
    }
}

/// `N` channels of `NV` vectors of pixels.
#[inline(always)]
unsafe fn pixels<V: Vector, const N: usize, const NV: usize>(
    work: &Rows<'_, V::Elem>,
    row: usize,
    column: usize,
) where
    V::Elem: Float,
{
    // SAFETY: the caller's promise.
    unsafe {
        let zero = V::splat(<V::Elem as Float>::ZERO);
        let mut sums = [[zero; NV]; N];
        if let Some(bias) = work.bias {
            for o in 0..N {
                let value = if o < work.present { V::splat(*bias.add(o)) } else { zero };
                sums[o] = [value; NV];
            }
        }
        let source = work.source.add(row * work.row + column);
        let mut weights = work.weights;
        for &step in work.steps {
            let at = source.offset(step);
            let mut x = [zero; NV];
            for v in 0..NV {
                x[v] = V::load(at.add(v * V::LANES));
            }
            for o in 0..N {
                let weight = V::splat(*weights.add(o));
                for v in 0..NV {
                    sums[o][v] = sums[o][v].mul_acc(weight, x[v]);
                }
            }
            weights = weights.add(N);
        }
        for o in 0..N {
            if o >= work.present {
                continue;
            }
            let to = work.y.add(o * work.channel + row * work.columns + column);
            for v in 0..NV {
                let n = V::LANES.min(work.columns - column - v * V::LANES);
                let sum = if work.relu { zero.max(sums[o][v]) } else { sums[o][v] };
                sum.store_partial(to.add(v * V::LANES), n);
            }
        }
    }
}
