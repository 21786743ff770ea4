//! The gradient of the input: a transposed convolution.
//!
//! Inputs that share their remainders by the stride see the same taps of the kernel. For each pair of remainders, the
//! gradient is a convolution of the output's gradient with those taps, at a stride of 1.

use super::gather::{Pixels, Weights, gather};
use super::planes::Planes;
use super::{Conv2d, Element};
use crate::kernels::gemm::Epilogue;
use crate::kernels::{Isa, parallel, scratch};

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
fn taps(conv: &Conv2d, axis: usize, remainder: usize) -> Vec<Tap> {
    let stride = conv.stride[axis] as isize;
    (0..conv.kernel[axis])
        .filter_map(|index| {
            let distance = (remainder + conv.padding[axis]) as isize - (index * conv.dilation[axis]) as isize;
            (distance.rem_euclid(stride) == 0).then(|| Tap { index, shift: distance.div_euclid(stride) })
        })
        .collect()
}

/// The inputs of one pair of remainders.
struct Phase<T> {
    remainder: [usize; 2],
    /// Inputs along each axis.
    count: [usize; 2],
    planes: Planes,
    steps: Vec<isize>,
    weights: Weights<T>,
}

/// `dx`, the gradient with respect to the input, from `dy`, that with respect to the output.
///
/// # Safety
/// The pointers cover the tensors that `conv` describes; `dx` overlaps none of the others and may be uninitialised.
pub unsafe fn input_grad<T: Element>(isa: Isa, conv: &Conv2d, dy: *const T, weight: *const T, dx: *mut T) {
    if conv.batch * conv.in_channels * conv.size[0] * conv.size[1] == 0 {
        return;
    }
    for group in 0..conv.groups {
        for ry in 0..conv.stride[0].min(conv.size[0]) {
            for rx in 0..conv.stride[1].min(conv.size[1]) {
                // SAFETY: the caller's promise.
                unsafe {
                    let phase = phase(isa, conv, weight, group, [ry, rx]);
                    one_phase(isa, conv, dy, dx, group, &phase);
                }
            }
        }
    }
}

unsafe fn phase<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    weight: *const T,
    group: usize,
    remainder: [usize; 2],
) -> Phase<T> {
    let count = [0, 1].map(|axis| (conv.size[axis] - remainder[axis]).div_ceil(conv.stride[axis]));
    let [vertical, horizontal] = [0, 1].map(|axis| taps(conv, axis, remainder[axis]));
    let range = |taps: &[Tap]| {
        let shifts = taps.iter().map(|tap| tap.shift);
        (shifts.clone().min().unwrap_or(0), shifts.max().unwrap_or(0))
    };
    let ((top, bottom), (left, right)) = (range(&vertical), range(&horizontal));
    let extent = [count[0] + (bottom - top) as usize, count[1] + (right - left) as usize];
    let planes = Planes { origin: [top, left], extent, step: 1 };
    let (inputs, outputs) = (conv.group_in(), conv.group_out());
    let pairs: Vec<(Tap, Tap)> =
        vertical.iter().flat_map(|&v| horizontal.iter().map(move |&h| (v, h))).collect();
    let depth = pairs.len() * outputs;
    // The steps of k: taps, then output channels.
    let per_output = (inputs * conv.taps()) as isize;
    // SAFETY: the weights of this group.
    let weights = unsafe {
        let from = weight.offset((group * outputs) as isize * per_output);
        let start = |run: usize| (pairs[run].0.index * conv.kernel[1] + pairs[run].1.index) as isize;
        let channels = (inputs, conv.taps() as isize);
        Weights::new(T::kernels(isa), from, (depth, per_output), (pairs.len(), start), channels)
    };
    // Offsets for the whole height; a band of fewer rows has a smaller distance between channels and makes its own.
    let steps = steps(&planes, &pairs, outputs);
    Phase { remainder, count, planes, steps, weights }
}

fn steps(planes: &Planes, pairs: &[(Tap, Tap)], outputs: usize) -> Vec<isize> {
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
    phase: &Phase<T>,
) {
    let (inputs, outputs) = (conv.group_in(), conv.group_out());
    let [in_plane, out_plane] = [conv.size, conv.out].map(|[h, w]| h * w);
    let [stride_y, stride_x] = conv.stride;
    let [count_y, count_x] = phase.count;
    let contiguous = stride_y == 1 && stride_x == 1;
    let band = band_rows(conv, outputs, phase);
    let bands = count_y.div_ceil(band);
    // Only rows of a band are copied, but with the distances of the whole, which the steps are made for.
    let row = phase.planes.row();
    let pixels: Vec<isize> =
        (0..band).flat_map(|t| (0..count_x).map(move |u| (t * row + u) as isize)).collect();
    let place = |t: usize, u: usize| (t * stride_y * conv.size[1] + u * stride_x) as isize;
    let places: Vec<isize> = (0..band).flat_map(|t| (0..count_x).map(move |u| place(t, u))).collect();
    let margin = phase.planes.extent[0] - count_y;
    let shared = parallel::Shared((dy, dx));
    parallel::for_each(conv.batch * bands, |task| {
        let (image, first) = (task / bands, task % bands * band);
        let rows = band.min(count_y - first);
        let (dy, dx) = shared.get();
        let planes = phase.planes;
        scratch::with(outputs * planes.channel(), |source: *mut T| {
            // SAFETY: the caller's promise; phases and bands are disjoint.
            unsafe {
                let from = dy.add((image * conv.out_channels + group * outputs) * out_plane);
                let part = Planes {
                    origin: [planes.origin[0] + first as isize, planes.origin[1]],
                    extent: [rows + margin, planes.extent[1]],
                    step: 1,
                };
                for c in 0..outputs {
                    part.fill(from.add(c * out_plane), conv.out, 1, source.add(c * planes.channel()));
                }
                let start = (image * conv.in_channels + group * inputs) * in_plane;
                let corner = (phase.remainder[0] + first * stride_y) * conv.size[1] + phase.remainder[1];
                let used = rows * count_x;
                let job = Pixels {
                    source: source.cast_const(),
                    pixels: &pixels[..used],
                    steps: &phase.steps,
                    out: dx.add(start + corner),
                    channel: in_plane,
                    scatter: (!contiguous).then_some(&places[..used]),
                    epilogue: Epilogue::NONE,
                };
                gather(T::kernels(isa), &phase.weights, &job);
            }
        });
    });
}

/// Input rows of a phase per band, as for the forward convolution.
fn band_rows<T>(conv: &Conv2d, outputs: usize, phase: &Phase<T>) -> usize {
    let fit = (BAND / (outputs * phase.planes.row()).max(1)).max(1);
    let share = (conv.batch * phase.count[0]).div_ceil(2 * parallel::available_threads()).max(1);
    fit.min(share).min(phase.count[0]).min((1024 / phase.count[1].max(1)).max(1))
}
