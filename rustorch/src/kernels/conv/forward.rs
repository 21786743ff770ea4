//! The convolution itself.

use super::gather::{Pixels, Weights, gather};
use super::planes::Planes;
use super::{Conv2d, Element};
use crate::kernels::gemm::{Activation, BatchDim, Bias, Epilogue, MatMut, MatRef, Product};
use crate::kernels::{Isa, parallel, scratch};

/// Values of a band's source, to stay in the second-level cache.
const BAND: usize = 48 * 1024;

/// `y = activation(conv(x, weight) + bias)`.
///
/// # Safety
/// The pointers cover the tensors that `conv` describes (`bias`: `out_channels`); `y` overlaps none of the others and
/// may be uninitialised.
pub unsafe fn forward<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    weight: *const T,
    bias: Option<*const T>,
    activation: Activation,
    y: *mut T,
) {
    if conv.batch * conv.out_channels * conv.out[0] * conv.out[1] == 0 {
        return;
    }
    let epilogue = Epilogue { bias: bias.map_or(Bias::None, Bias::PerRow), activation };
    // SAFETY: the caller's promise.
    unsafe {
        if conv.is_pointwise() && conv.groups == 1 {
            pointwise(isa, conv, x, weight, epilogue, y);
        } else {
            for group in 0..conv.groups {
                one_group(isa, conv, x, weight, epilogue, y, group);
            }
        }
    }
}

/// A matrix product per image.
unsafe fn pointwise<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    weight: *const T,
    epilogue: Epilogue<T>,
    y: *mut T,
) {
    let pixels = conv.out[0] * conv.out[1];
    let product = Product {
        m: conv.out_channels,
        n: pixels,
        k: conv.in_channels,
        alpha: T::ONE,
        a: MatRef { ptr: weight, rs: conv.in_channels as isize, cs: 1 },
        b: MatRef { ptr: x, rs: pixels as isize, cs: 1 },
        beta: T::default(),
        c: MatMut { ptr: y, rs: pixels as isize, cs: 1 },
        epilogue,
    };
    let [a, b, c] = [0, conv.in_channels * pixels, conv.out_channels * pixels].map(|stride| stride as isize);
    // SAFETY: the caller's promise.
    unsafe { product.run_on(isa, &[BatchDim { size: conv.batch, a, b, c }]) }
}

unsafe fn one_group<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    weight: *const T,
    epilogue: Epilogue<T>,
    y: *mut T,
    group: usize,
) {
    let kernels = T::kernels(isa);
    let (channels, outputs, depth) = (conv.group_in(), conv.group_out(), conv.group_in() * conv.taps());
    // SAFETY: the weights of this group's output channels.
    let weights = unsafe {
        let from = weight.add(group * outputs * depth);
        Weights::new(kernels, from, (depth, 1), (1, |_| 0), (outputs, depth as isize))
    };
    let rows = band_rows(conv, channels);
    let plan = Band::new(conv, channels, rows);
    let bands = conv.out[0].div_ceil(rows);
    let [in_plane, out_plane] = [conv.size, conv.out].map(|[h, w]| h * w);
    let shared = parallel::Shared((x, y, epilogue.offset(group * outputs, 0)));
    parallel::for_each(conv.batch * bands, |task| {
        let (image, first) = (task / bands, task % bands * rows);
        let (x, y, epilogue) = shared.get();
        let rows = rows.min(conv.out[0] - first);
        let mut planes = plan.planes;
        planes.origin[0] += (first * conv.stride[0]) as isize;
        scratch::with(channels * planes.channel(), |source: *mut T| {
            // SAFETY: the caller's promise; bands are disjoint.
            unsafe {
                let from = x.add((image * conv.in_channels + group * channels) * in_plane);
                planes.fill(from, conv.size, channels, source);
                let out = (image * conv.out_channels + group * outputs) * out_plane + first * conv.out[1];
                let job = Pixels {
                    source,
                    pixels: &plan.pixels[..rows * conv.out[1]],
                    steps: &plan.steps,
                    out: y.add(out),
                    channel: out_plane,
                    scatter: None,
                    epilogue,
                };
                gather(kernels, &weights, &job);
            }
        });
    });
}

/// Output rows per band: few enough for the cache and to give every thread something to do.
fn band_rows(conv: &Conv2d, channels: usize) -> usize {
    let source_row = channels * (conv.size[1] + 2 * conv.padding[1]) * conv.stride[0];
    let fit = (BAND / source_row.max(1)).max(1);
    let share = (conv.batch * conv.out[0]).div_ceil(2 * parallel::available_threads()).max(1);
    fit.min(share).min(conv.out[0]).min((1024 / conv.out[1].max(1)).max(1))
}

/// The offsets that all bands have in common.
pub(super) struct Band {
    /// The source of the first band.
    pub planes: Planes,
    pub pixels: Vec<isize>,
    /// By channel, then tap.
    pub steps: Vec<isize>,
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
