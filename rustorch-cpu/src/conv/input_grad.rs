//! The gradient of the input: a transposed convolution.
//!
//! Inputs that share their remainders by the stride see the same taps of the kernel. For each pair of remainders, the
//! gradient is a convolution of the output's gradient with those taps, at a stride of 1.

use smallvec::SmallVec;

use super::gather::{Layout, Pixels, Weights, gather, pack, packed_len};
use super::offsets::Offsets;
use super::planes::Planes;
use super::{Conv2d, Element, Epilogue};
use crate::{Isa, parallel, scratch};

/// Values of an image's source held at a time, where channels are many.
const BAND: usize = 64 * 1024;

/// A tap that some inputs see, and how far their outputs lie from input / stride.
#[derive(Clone, Copy)]
struct Tap {
    index: usize,
    shift: isize,
}

/// The taps that the inputs `≡ remainder (mod stride)` see along one axis: input `i = t·stride + remainder` reaches output
/// `t + shift` by the tap.
fn taps(conv: &Conv2d, axis: usize, remainder: usize) -> SmallVec<[Tap; 8]> {
    let stride = conv.stride[axis] as isize;
    (0..conv.kernel[axis])
        .filter_map(|index| {
            let distance = (remainder + conv.padding[axis]) as isize - (index * conv.dilation[axis]) as isize;
            (distance.rem_euclid(stride) == 0).then(|| Tap { index, shift: distance.div_euclid(stride) })
        })
        .collect()
}

/// The inputs of one pair of remainders.
struct Phase {
    remainder: [usize; 2],
    /// Inputs along each axis.
    count: [usize; 2],
    planes: Planes,
    /// The taps that these inputs see.
    pairs: SmallVec<[(Tap, Tap); 32]>,
}

impl Phase {
    fn new(conv: &Conv2d, remainder: [usize; 2]) -> Phase {
        let count = [0, 1].map(|axis| (conv.size[axis] - remainder[axis]).div_ceil(conv.stride[axis]));
        let [vertical, horizontal] = [0, 1].map(|axis| taps(conv, axis, remainder[axis]));
        let range = |taps: &[Tap]| {
            let shifts = taps.iter().map(|tap| tap.shift);
            (shifts.clone().min().unwrap_or(0), shifts.max().unwrap_or(0))
        };
        let ((top, bottom), (left, right)) = (range(&vertical), range(&horizontal));
        let extent = [count[0] + (bottom - top) as usize, count[1] + (right - left) as usize];
        let planes = Planes { origin: [top, left], extent, step: 1, every: 1, phases: 1 };
        let pairs = vertical.iter().flat_map(|&v| horizontal.iter().map(move |&h| (v, h))).collect();
        Phase { remainder, count, planes, pairs }
    }

    /// Steps of the sum: taps, then output channels.
    fn depth(&self, conv: &Conv2d) -> usize {
        self.pairs.len() * conv.group_out()
    }

    fn packed_len<T: Element>(&self, isa: Isa, conv: &Conv2d) -> usize {
        packed_len(T::kernels(isa), self.depth(conv), conv.group_in())
    }

    unsafe fn pack<T: Element>(&self, isa: Isa, conv: &Conv2d, weight: *const T, group: usize, to: *mut T) {
        let per_output = conv.group_in() * conv.taps();
        let layout = Layout {
            from: weight.wrapping_add(group * conv.group_out() * per_output),
            depth: self.depth(conv),
            stride: per_output as isize,
            runs: self.pairs.len(),
            start: |run: usize| (self.pairs[run].0.index * conv.kernel[1] + self.pairs[run].1.index) as isize,
            channels: conv.group_in(),
            channel_stride: conv.taps() as isize,
        };
        // SAFETY: the caller's promise.
        unsafe { pack(T::kernels(isa), &layout, to) }
    }
}

/// The phases of a group: inputs that see the same taps.
fn phases(conv: &Conv2d) -> impl Iterator<Item = Phase> {
    let [down, across] = [0, 1].map(|axis| conv.stride[axis].min(conv.size[axis]));
    (0..down).flat_map(move |y| (0..across).map(move |x| Phase::new(conv, [y, x])))
}

/// Values of the packed weights.
pub(super) fn phases_len<T: Element>(isa: Isa, conv: &Conv2d) -> usize {
    conv.groups * phases(conv).map(|phase| phase.packed_len::<T>(isa, conv)).sum::<usize>()
}

/// Packs the weights: by group, then phase.
///
/// # Safety
/// As for [`super::pack`].
pub(super) unsafe fn pack_phases<T: Element>(isa: Isa, conv: &Conv2d, weight: *const T, mut to: *mut T) {
    for group in 0..conv.groups {
        for phase in phases(conv) {
            // SAFETY: the caller's promise.
            unsafe {
                phase.pack(isa, conv, weight, group, to);
                to = to.add(phase.packed_len::<T>(isa, conv));
            }
        }
    }
}

/// `dx`, with weights made by [`pack_phases`].
///
/// # Safety
/// As for [`super::input_grad_packed`].
pub(super) unsafe fn run<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    dy: *const T,
    mut packed: *const T,
    dx: *mut T,
) {
    for group in 0..conv.groups {
        for phase in phases(conv) {
            // SAFETY: the caller's promise.
            unsafe {
                let weights = Weights { packed, depth: phase.depth(conv), channels: conv.group_in() };
                packed = packed.add(phase.packed_len::<T>(isa, conv));
                one_phase(isa, conv, dy, dx, group, &phase, weights);
            }
        }
    }
}

fn steps(planes: &Planes, pairs: &[(Tap, Tap)], outputs: usize) -> Offsets {
    let tap = |&(v, h): &(Tap, Tap)| {
        planes.tap((v.shift - planes.origin[0]) as usize, (h.shift - planes.origin[1]) as usize)
    };
    let channel = planes.channel() as isize;
    pairs.iter().flat_map(|pair| (0..outputs as isize).map(move |c| tap(pair) + c * channel)).collect()
}

unsafe fn one_phase<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    dy: *const T,
    dx: *mut T,
    group: usize,
    phase: &Phase,
    weights: Weights<T>,
) {
    // Offsets for the whole height; a band of fewer rows has a smaller distance between channels and makes its own.
    let steps = steps(&phase.planes, &phase.pairs, conv.group_out());
    let (inputs, outputs) = (conv.group_in(), conv.group_out());
    let [in_plane, out_plane] = [conv.size, conv.out].map(|[h, w]| h * w);
    let [stride_y, stride_x] = conv.stride;
    let [count_y, count_x] = phase.count;
    let contiguous = stride_y == 1 && stride_x == 1;
    let band = band_rows(conv, outputs, phase);
    let bands = count_y.div_ceil(band);
    // Only rows of a band are copied, but with the distances of the whole, which the steps are made for.
    let row = phase.planes.row();
    let pixels: Offsets = (0..band).flat_map(|t| (0..count_x).map(move |u| (t * row + u) as isize)).collect();
    let place = |t: usize, u: usize| (t * stride_y * conv.size[1] + u * stride_x) as isize;
    let places: Offsets = (0..band).flat_map(|t| (0..count_x).map(move |u| place(t, u))).collect();
    let margin = phase.planes.extent[0] - count_y;
    let shared = parallel::Shared((dy, dx, weights));
    parallel::for_each(conv.batch * bands, |task| {
        let (image, first) = (task / bands, task % bands * band);
        let rows = band.min(count_y - first);
        let (dy, dx, weights) = shared.get();
        let planes = phase.planes;
        scratch::with(outputs * planes.channel(), |source: *mut T| {
            // SAFETY: the caller's promise; phases and bands are disjoint.
            unsafe {
                let from = dy.add((image * conv.out_channels + group * outputs) * out_plane);
                let part = Planes {
                    origin: [planes.origin[0] + first as isize, planes.origin[1]],
                    extent: [rows + margin, planes.extent[1]],
                    ..planes
                };
                for c in 0..outputs {
                    part.fill(isa, from.add(c * out_plane), conv.out, 1, source.add(c * planes.channel()));
                }
                let start = (image * conv.in_channels + group * inputs) * in_plane;
                let corner = (phase.remainder[0] + first * stride_y) * conv.size[1] + phase.remainder[1];
                let used = rows * count_x;
                let job = Pixels {
                    source: source.cast_const(),
                    pixels: &pixels[..used],
                    steps: &steps,
                    out: dx.add(start + corner),
                    channel: in_plane,
                    scatter: (!contiguous).then_some(&places[..used]),
                    epilogue: Epilogue::NONE,
                };
                gather(isa, &weights, &job, 0..inputs);
            }
        });
    });
}

/// Input rows of a phase per band, as for the forward convolution.
fn band_rows(conv: &Conv2d, outputs: usize, phase: &Phase) -> usize {
    let fit = (BAND / (outputs * phase.planes.row()).max(1)).max(1);
    let share = (conv.batch * phase.count[0]).div_ceil(2 * parallel::available_threads()).max(1);
    fit.min(share).min(phase.count[0]).min((1024 / phase.count[1].max(1)).max(1))
}
