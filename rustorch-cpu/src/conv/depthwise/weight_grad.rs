//! The gradient of the weights.

use std::ops::Range;

use super::super::Conv2d;
use super::{LANES, Source, Tap, band, describe, fitting, window};
use crate::vector::{Vector, VectorKernel, across};
use crate::{Float, Isa, Vectored, parallel, scratch};

/// Taps whose gradients are summed side by side.
const TAPS: usize = 9;
/// Pieces of work, if there are as many channels.
const TASKS: usize = 16;

/// Sums that are kept of so many taps.
fn slots(taps: usize) -> usize {
    taps.next_multiple_of(TAPS)
}

/// `dw` from the input and `dy`.
///
/// # Safety
/// As for [`weight_grad`](super::super::weight_grad()).
pub(in super::super) unsafe fn weight_grad<T: Vectored>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    dy: *const T,
    dw: *mut T,
) {
    let (source, taps) = describe(conv);
    let isa = fitting::<T>(isa, conv.out[1]);
    let window = window(conv);
    let rows = band(&source, conv.out[0], conv.stride[0], window);
    let len = ((rows - 1) * conv.stride[0] + window) * source.pitch() + 2 * LANES;
    let cost = conv.batch * conv.out[0] * conv.out[1] * conv.taps() / 8;
    let grain = (parallel::GRAIN / cost.max(1)).max(conv.groups / TASKS).max(1);
    let totals = LANES * slots(taps.len());
    let shared = parallel::Shared((x, dy, dw, &taps));
    parallel::for_each(conv.groups.div_ceil(grain), |task| {
        let (x, dy, dw, taps) = shared.get();
        let channels = task * grain..conv.groups.min((task + 1) * grain);
        scratch::with(len + totals * channels.len(), |buffer: *mut T| {
            T::dispatch(
                isa,
                WeightGrad { conv, source, taps, window, rows, len, channels, x, dy, dw, buffer },
            );
        });
    });
}

struct WeightGrad<'a, T> {
    conv: &'a Conv2d,
    source: Source,
    taps: &'a [Tap],
    window: usize,
    rows: usize,
    len: usize,
    channels: Range<usize>,
    x: *const T,
    dy: *const T,
    dw: *mut T,
    buffer: *mut T,
}

impl<T: Float> VectorKernel<T> for WeightGrad<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Self { conv, source, window, .. } = self;
        let [height, width] = conv.out;
        let slots = slots(self.taps.len());
        // SAFETY: the promise of the callers of `weight_grad`.
        unsafe {
            // Of each channel and tap, a vector whose lanes are added up in the end.
            let totals = self.buffer.add(self.len);
            self.buffer.write_bytes(0, self.len + self.channels.len() * slots * V::LANES);
            // Channels lie side by side in an image, and are read as they lie.
            let planes =
                (0..conv.batch).flat_map(|image| self.channels.clone().map(move |channel| (image, channel)));
            for (image, channel) in planes {
                let plane = image * conv.groups + channel;
                let x = self.x.add(plane * source.size[0] * source.size[1]);
                let dy = self.dy.add(plane * height * width);
                for first in (0..height).step_by(self.rows) {
                    let rows = self.rows.min(height - first);
                    let start = first * conv.stride[0];
                    let read = start..start + (rows - 1) * conv.stride[0] + window;
                    source.fill::<V>(x, read, rows == height, self.buffer);
                    for (part, taps) in self.taps.chunks(TAPS).enumerate() {
                        // A band's sums are added up before they join the total.
                        let sums = self.band::<V>(rows, dy.add(first * width), taps);
                        let number = (channel - self.channels.start) * slots + part * TAPS;
                        for (slot, sum) in sums.into_iter().enumerate() {
                            let total = totals.add((number + slot) * V::LANES);
                            V::load(total).add(sum).store(total);
                        }
                    }
                }
            }
            for (number, channel) in self.channels.clone().enumerate() {
                for (slot, tap) in self.taps.iter().enumerate() {
                    let total = V::load(totals.add((number * slots + slot) * V::LANES));
                    *self.dw.add(channel * conv.taps() + tap.weight) = across(total, |a, b| a + b);
                }
            }
        }
    }
}

impl<T: Float> WeightGrad<'_, T> {
    /// The sums of some taps over the rows of a band, lane by lane.
    #[inline(always)]
    unsafe fn band<V: Vector<Elem = T>>(&self, rows: usize, dy: *const T, taps: &[Tap]) -> [V; TAPS] {
        let (width, row) = (self.conv.out[1], self.conv.stride[0] * self.source.pitch());
        let mut steps = [0; TAPS];
        for (step, tap) in steps.iter_mut().zip(taps) {
            *step = tap.step;
        }
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [V::splat(T::ZERO); TAPS];
            for at in 0..rows {
                let (x, dy) = (self.buffer.add(at * row).cast_const(), dy.add(at * width));
                let mut column = 0;
                while column + V::LANES <= width {
                    let g = V::load(dy.add(column));
                    for t in 0..TAPS {
                        sums[t] = sums[t].mul_acc(g, V::load(x.add(column + steps[t])));
                    }
                    column += V::LANES;
                }
                if column < width {
                    let n = width - column;
                    let g = V::load_partial(dy.add(column), n);
                    for t in 0..TAPS {
                        // Beyond the row, not even infinities count.
                        sums[t] = sums[t].mul_acc(g, V::load_partial(x.add(column + steps[t]), n));
                    }
                }
            }
            sums
        }
    }
}
