//! The gradients of weight and bias.
//!
//! `dw[o, (c, tap)] = Σ dy[o, pixel] · x[c, pixel + tap]` over all pixels of all images, in order. A task makes all weights
//! between some input and some output channels, so that no sum is split.

use super::forward::Band;
use super::{Conv2d, Element};
use crate::gemm::{Block, Kernels, Panel, Real, balanced};
use crate::{Isa, parallel, scratch};

/// Pixels per pass: their gradients for two vectors of channels stay in the first-level cache.
const PIXELS: usize = 256;

/// `dw` by sums over pixels.
///
/// # Safety
/// As for [`super::weight_grad`].
pub(super) unsafe fn by_pixels<T: Element>(isa: Isa, conv: &Conv2d, x: *const T, dy: *const T, dw: *mut T) {
    let kernels = T::kernels(isa);
    let (inputs, outputs) = (conv.group_in(), conv.group_out());
    if conv.batch * conv.out[0] * conv.out[1] == 0 {
        for i in 0..conv.out_channels * inputs * conv.taps() {
            // SAFETY: the caller's promise.
            unsafe { *dw.add(i) = T::default() };
        }
        return;
    }
    if inputs * outputs == 0 {
        return;
    }
    let (in_step, out_step) = cut(kernels, conv, inputs, outputs);
    let (in_parts, out_parts) = (inputs.div_ceil(in_step), outputs.div_ceil(out_step));
    let shared = parallel::Shared((x, dy, dw));
    parallel::for_each(conv.groups * in_parts * out_parts, |task| {
        let (x, dy, dw) = shared.get();
        let (group, part) = (task / (in_parts * out_parts), task % (in_parts * out_parts));
        let (c, o) = (part / out_parts * in_step, part % out_parts * out_step);
        let task =
            Task { conv, group, inputs: c..inputs.min(c + in_step), outputs: o..outputs.min(o + out_step) };
        // SAFETY: the caller's promise; tasks write different weights.
        unsafe { task.run(isa, x, dy, dw) };
    });
}

/// Input and output channels per task: input channels are divided first, as a task copies only its own.
fn cut<T: Real>(kernels: &Kernels<T>, conv: &Conv2d, inputs: usize, outputs: usize) -> (usize, usize) {
    let parts = parallel::available_threads().div_ceil(conv.groups);
    // A tile's rows should be full: 12 (channel, tap) pairs.
    let least = (2 * kernels.gather_rows).div_ceil(conv.taps());
    let in_step = inputs.div_ceil(parts).max(least).min(inputs);
    let rest = parts.div_ceil(inputs.div_ceil(in_step));
    let out_step = outputs.div_ceil(rest).next_multiple_of(kernels.lanes).min(outputs);
    (in_step, out_step)
}

/// The weights between some input and some output channels of a group.
struct Task<'a> {
    conv: &'a Conv2d,
    group: usize,
    inputs: std::ops::Range<usize>,
    outputs: std::ops::Range<usize>,
}

impl Task<'_> {
    unsafe fn run<T: Element>(&self, isa: Isa, x: *const T, dy: *const T, dw: *mut T) {
        let (conv, kernels) = (self.conv, T::kernels(isa));
        let band = Band::new(conv, self.inputs.len(), conv.out[0]);
        let (rows, pixels) = (band.steps.len(), band.pixels.len());
        let width = self.outputs.len().next_multiple_of(kernels.lanes);
        let source_len = (self.inputs.len() * band.planes.channel()).next_multiple_of(16);
        let dy_len = (PIXELS.min(pixels) * width + kernels.lanes).next_multiple_of(16);
        scratch::with(source_len + dy_len + rows * width, |source: *mut T| {
            // SAFETY: the buffer has room for the three; the rest is the caller's promise.
            unsafe {
                let dy_buffer = source.add(source_len);
                let sums = dy_buffer.add(dy_len);
                for image in 0..conv.batch {
                    let channel = image * conv.in_channels + self.group * conv.group_in() + self.inputs.start;
                    let from = x.add(channel * conv.size[0] * conv.size[1]);
                    band.planes.fill(isa, from, conv.size, self.inputs.len(), source);
                    let channel =
                        image * conv.out_channels + self.group * conv.group_out() + self.outputs.start;
                    let from = dy.add(channel * pixels);
                    for (start, count) in balanced(pixels, PIXELS) {
                        self.transpose(kernels, from.add(start), pixels, count, dy_buffer);
                        let columns = &band.pixels[start..start + count];
                        let overwrite = image == 0 && start == 0;
                        self.accumulate(kernels, source, &band.steps, columns, dy_buffer, sums, overwrite);
                    }
                }
                self.store(kernels, rows, sums, dw);
            }
        });
    }

    /// Panels of output channels, `[panel][pixel][lanes of the panel]`, from rows of pixels.
    unsafe fn transpose<T: Real>(
        &self,
        kernels: &Kernels<T>,
        from: *const T,
        plane: usize,
        count: usize,
        to: *mut T,
    ) {
        let width = kernels.lanes * kernels.tile_vectors;
        for first in (0..self.outputs.len()).step_by(width) {
            let present = width.min(self.outputs.len() - first);
            let panel_width = present.next_multiple_of(kernels.lanes);
            // SAFETY: the caller's promise.
            unsafe {
                (kernels.pack)(&Panel {
                    to: to.add(first * count),
                    stride: panel_width,
                    width: panel_width,
                    from: from.add(first * plane),
                    is: plane as isize,
                    ps: 1,
                    present,
                    k: count,
                });
            }
        }
    }

    /// Adds some pixels of an image to `sums[(channel, tap)][output]`.
    #[expect(clippy::too_many_arguments, reason = "three matrices and their offsets")]
    unsafe fn accumulate<T: Real>(
        &self,
        kernels: &Kernels<T>,
        source: *const T,
        steps: &[isize],
        pixels: &[isize],
        dy: *const T,
        sums: *mut T,
        overwrite: bool,
    ) {
        let whole = self.outputs.len().next_multiple_of(kernels.lanes);
        let width = kernels.lanes * kernels.tile_vectors;
        for first in (0..whole).step_by(width) {
            let cols = width.min(whole - first);
            let b = dy.wrapping_add(first * pixels.len());
            for (row, rows) in balanced(steps.len(), kernels.gather_rows) {
                // SAFETY: the caller's promise.
                unsafe {
                    (kernels.gather[rows - 1][cols / kernels.lanes - 1])(&Block {
                        k: pixels.len(),
                        a: source,
                        a_rs: 0,
                        a_cs: 0,
                        a_rows: steps.as_ptr().add(row),
                        a_columns: pixels.as_ptr(),
                        b,
                        b_stride: cols as isize,
                        ahead: b,
                        c: sums.add(row * whole + first),
                        c_rs: whole as isize,
                        cols,
                        alpha: T::ONE,
                        beta: (!overwrite).then_some(T::ONE),
                    });
                }
            }
        }
    }

    /// `dw[output][(channel, tap)]` from the sums.
    unsafe fn store<T: Real>(&self, kernels: &Kernels<T>, rows: usize, sums: *const T, dw: *mut T) {
        let conv = self.conv;
        let per_output = conv.group_in() * conv.taps();
        let output = self.group * conv.group_out() + self.outputs.start;
        // SAFETY: the caller's promise.
        unsafe {
            (kernels.pack)(&Panel {
                to: dw.add(output * per_output + self.inputs.start * conv.taps()),
                stride: per_output,
                width: rows,
                from: sums,
                is: self.outputs.len().next_multiple_of(kernels.lanes) as isize,
                ps: 1,
                present: rows,
                k: self.outputs.len(),
            });
        }
    }
}

entry_points! {
    trait Entry<T> {
        /// `db[o]`, the gradient with respect to the bias: the sum of `dy` over images and pixels, pairwise.
        ///
        /// # Safety
        /// `dy` covers the output, `db` has room for `out_channels` values.
        pub unsafe fn bias_grad(conv: &Conv2d, dy: *const T, db: *mut T) = bias_grad_of;
    }
}

/// [`bias_grad()`] of one type.
///
/// # Safety
/// As there.
unsafe fn bias_grad_of<T: Element + std::ops::Add<Output = T>>(conv: &Conv2d, dy: *const T, db: *mut T) {
    let plane = conv.out[0] * conv.out[1];
    let shared = parallel::Shared((dy, db));
    let grain = (parallel::GRAIN / (conv.batch * plane).max(1)).max(1);
    parallel::for_each_chunk(conv.out_channels, grain, |channels| {
        let (dy, db) = shared.get();
        for o in channels {
            let mut total = T::default();
            for image in 0..conv.batch {
                // SAFETY: the caller's promise.
                let row = unsafe {
                    std::slice::from_raw_parts(dy.add((image * conv.out_channels + o) * plane), plane)
                };
                total = total + pairwise(row);
            }
            // SAFETY: as above; each channel is written once.
            unsafe { *db.add(o) = total };
        }
    });
}

/// The sum of a slice: 16 running sums over blocks, whose totals are added pairwise.
fn pairwise<T: Real + std::ops::Add<Output = T>>(values: &[T]) -> T {
    const BLOCK: usize = 512;
    if values.len() > BLOCK {
        let (left, right) = values.split_at((values.len() / 2).next_multiple_of(BLOCK).min(values.len() - 1));
        return pairwise(left) + pairwise(right);
    }
    let mut lanes = [T::default(); 16];
    let (whole, rest) = values.as_chunks::<16>();
    for chunk in whole {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = *lane + value;
        }
    }
    let mut total = rest.iter().fold(T::default(), |sum, &value| sum + value);
    for lane in lanes {
        total = total + lane;
    }
    total
}
