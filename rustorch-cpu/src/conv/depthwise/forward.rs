//! The convolution itself, and the input gradient at a stride of 1.

use std::ops::Range;

use super::super::{Conv2d, Element, Epilogue, finish};
use super::{LANES, ROWS, Source, Tap, band, describe, fitting, window};
use crate::gemm::Activation;
use crate::vector::{Vector, VectorKernel};
use crate::{Float, Isa, parallel, scratch};

/// `y = activation(conv(x, packed) + bias + residual)`, with weights made by [`pack`](super::pack).
///
/// # Safety
/// As for [`forward_packed`](super::super::forward_packed).
pub(in super::super) unsafe fn forward<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    y: *mut T,
) {
    let (source, taps) = describe(conv);
    let isa = fitting::<T>(isa, conv.out[1]);
    let (planes, window) = (conv.batch * conv.groups, window(conv));
    // The source has room for the last block of rows.
    let rows = band(&source, conv.out[0], conv.stride[0], window);
    let len = ((rows.next_multiple_of(ROWS) - 1) * conv.stride[0] + window) * source.pitch() + 2 * LANES;
    let cost = conv.out[0] * conv.out[1] * conv.taps() / 8;
    let grain = (parallel::GRAIN / cost.max(1)).max(planes / 64).max(1);
    let copies = if rows == conv.out[0] { 2 } else { 1 };
    let shared = parallel::Shared((x, packed, *epilogue, y, &taps));
    parallel::for_each(planes.div_ceil(grain), |task| {
        let (x, packed, epilogue, y, taps) = shared.get();
        let planes = task * grain..planes.min((task + 1) * grain);
        scratch::with(copies * len, |buffer: *mut T| {
            let work = Forward {
                isa,
                conv,
                source,
                taps,
                window,
                rows,
                len,
                copies,
                planes,
                x,
                packed,
                epilogue,
                y,
                buffer,
            };
            T::dispatch(isa, work);
        });
    });
}

struct Forward<'a, T> {
    isa: Isa,
    conv: &'a Conv2d,
    source: Source,
    taps: &'a [Tap],
    window: usize,
    /// Rows of a band.
    rows: usize,
    /// Values of a band's source.
    len: usize,
    /// Two where a band is a whole plane: the next one is copied before this one is read, as values that have only just been stored
    /// cannot be loaded in other pieces without waiting for the cache.
    copies: usize,
    planes: Range<usize>,
    x: *const T,
    packed: *const T,
    epilogue: Epilogue<T>,
    y: *mut T,
    buffer: *mut T,
}

impl<T: Element> VectorKernel<T> for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Self { conv, source, window, .. } = self;
        let [height, width] = conv.out;
        let is_simple = self.epilogue.is_simple();
        let relu = is_simple && self.epilogue.activation == Activation::Relu;
        // SAFETY: the promise of the callers of `forward`.
        unsafe {
            self.buffer.write_bytes(0, self.copies * self.len);
            let is_whole = self.copies == 2;
            let numel = source.size[0] * source.size[1];
            let read = |first: usize, rows: usize| {
                let start = first * conv.stride[0];
                start..start + (rows - 1) * conv.stride[0] + window
            };
            if is_whole {
                source.fill::<V>(self.x.add(self.planes.start * numel), read(0, height), true, self.buffer);
            }
            for plane in self.planes.clone() {
                let y = self.y.add(plane * height * width);
                let channel = plane % conv.groups;
                let weight = self.packed.add(channel * conv.taps());
                let bias = self.epilogue.bias.map_or(T::ZERO, |bias| *bias.add(channel));
                let [now, next] = [0, 1].map(|ahead| {
                    self.buffer.add((plane - self.planes.start + ahead) % self.copies * self.len)
                });
                let mut first = 0;
                while first < height {
                    let rows = self.rows.min(height - first);
                    if !is_whole {
                        source.fill::<V>(self.x.add(plane * numel), read(first, rows), false, now);
                    } else if plane + 1 < self.planes.end {
                        source.fill::<V>(self.x.add((plane + 1) * numel), read(0, height), true, next);
                    }
                    let work = Band {
                        source: now,
                        row: conv.stride[0] * source.pitch(),
                        taps: self.taps,
                        weight,
                        bias,
                        relu,
                        width,
                        y: y.add(first * width),
                        left: ((self.planes.end - plane) * height - first) * width,
                    };
                    for row in (0..rows).step_by(ROWS) {
                        work.rows::<V>(row, ROWS.min(rows - row));
                    }
                    first += rows;
                }
                if !is_simple {
                    let offset = plane * height * width;
                    let rest = Epilogue { bias: None, ..self.epilogue.from(0, offset) };
                    finish(self.isa, &rest, y, [1, height * width], height * width);
                }
            }
        }
    }
}

struct Band<'a, T> {
    source: *const T,
    row: usize,
    taps: &'a [Tap],
    weight: *const T,
    bias: T,
    relu: bool,
    width: usize,
    y: *mut T,
    /// Values from `y` to the end of the last plane, as planes are computed one after the other.
    left: usize,
}

impl<T: Float> Band<'_, T> {
    /// Rows from one on, of which the first `present` are wanted; the source has room for the others.
    #[inline(always)]
    unsafe fn rows<V: Vector<Elem = T>>(&self, row: usize, present: usize) {
        let mut column = 0;
        // SAFETY: the caller's promise.
        unsafe {
            loop {
                let mut sums = [V::splat(self.bias); ROWS];
                let at = self.source.add(row * self.row + column);
                for tap in self.taps {
                    let weight = V::splat(*self.weight.add(tap.weight));
                    for (r, sum) in sums.iter_mut().enumerate() {
                        *sum = sum.mul_acc(weight, V::load(at.add(tap.step + r * self.row)));
                    }
                }
                for (r, sum) in sums.into_iter().enumerate().take(present) {
                    let sum = if self.relu { V::splat(T::ZERO).max(sum) } else { sum };
                    let to = (row + r) * self.width + column;
                    // What goes beyond the end of a row is overwritten by the next one, which may be in the next plane.
                    if self.width >= V::LANES || to + V::LANES <= self.left {
                        sum.store(self.y.add(to));
                    } else {
                        sum.store_partial(self.y.add(to), self.width);
                    }
                }
                if column + V::LANES >= self.width {
                    break;
                }
                // The last columns are computed twice where they are no whole vector.
                column = (column + V::LANES).min(self.width - V::LANES);
            }
        }
    }
}
