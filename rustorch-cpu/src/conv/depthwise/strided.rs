//! The input gradient at a stride of 2: even and odd columns by themselves, dealt together in the end.

use std::ops::Range;

use super::super::Conv2d;
use super::{LANES, Source, Tap, Taps, band, fitting};
use crate::vector::{Vector, VectorKernel};
use crate::{Float, Isa, Vectored, parallel, scratch};

/// `dx` from `dy`, with weights made by [`pack`](super::pack), not turned.
///
/// # Safety
/// As for [`input_grad_packed`](super::super::input_grad_packed).
pub(in super::super) unsafe fn input_grad<T: Vectored>(
    isa: Isa,
    conv: &Conv2d,
    dy: *const T,
    packed: *const T,
    dx: *mut T,
) {
    let (source, taps, window) = describe(conv);
    let isa = fitting::<T>(isa, conv.size[1].div_ceil(2));
    let planes = conv.batch * conv.groups;
    let rows = band(&source, conv.size[0].div_ceil(2), 1, window);
    let len = (rows + window) * source.pitch() + 2 * LANES;
    let cost = conv.size[0] * conv.size[1] * conv.taps() / 16;
    let grain = (parallel::GRAIN / cost.max(1)).max(planes / 64).max(1);
    let shared = parallel::Shared((dy, packed, dx, &taps));
    parallel::for_each(planes.div_ceil(grain), |task| {
        let (dy, packed, dx, taps) = shared.get();
        let planes = task * grain..planes.min((task + 1) * grain);
        scratch::with(len, |buffer: *mut T| {
            T::dispatch(
                isa,
                Strided { conv, source, taps, window, rows, len, planes, dy, packed, dx, buffer },
            );
        });
    });
}

/// The source of the gradient of a strided convolution's input, the taps of even and odd rows and, of each, of even and odd columns, and how
/// many rows of the source a pair of rows reads.
fn describe(conv: &Conv2d) -> (Source, [[Taps; 2]; 2], usize) {
    // Twice the distance from the source of a pair to what a tap reads, if it is one that the row or column has.
    let distance = |axis: usize, parity: usize, tap: usize| {
        let twice = (parity + conv.padding[axis]) as isize - (tap * conv.dilation[axis]) as isize;
        (twice % 2 == 0).then_some(twice / 2)
    };
    let all = |axis: usize| {
        let of = move |parity| (0..conv.kernel[axis]).filter_map(move |tap| distance(axis, parity, tap));
        of(0).chain(of(1))
    };
    let before = [0, 1].map(|axis| all(axis).min().unwrap_or(0).min(0).unsigned_abs());
    let after = [0, 1].map(|axis| all(axis).max().unwrap_or(0).max(0).unsigned_abs());
    let written = before[1] + conv.out[1].next_multiple_of(LANES);
    let read = before[1] + after[1] + conv.size[1].div_ceil(2).next_multiple_of(LANES);
    let phase = (written.max(read) + 1).next_multiple_of(LANES);
    let source = Source { size: conv.out, phases: 1, phase, before };
    let taps = [0, 1].map(|row| {
        [0, 1].map(|column| {
            let tap = |weight: usize| {
                let y = distance(0, row, weight / conv.kernel[1])?;
                let x = distance(1, column, weight % conv.kernel[1])?;
                let [y, x] = [y + before[0] as isize, x + before[1] as isize];
                Some(Tap { weight, step: y as usize * source.pitch() + x as usize })
            };
            (0..conv.taps()).filter_map(tap).collect()
        })
    });
    (source, taps, before[0] + after[0] + 1)
}

struct Strided<'a, T> {
    conv: &'a Conv2d,
    source: Source,
    taps: &'a [[Taps; 2]; 2],
    window: usize,
    /// Pairs of rows of a band.
    rows: usize,
    len: usize,
    planes: Range<usize>,
    dy: *const T,
    packed: *const T,
    dx: *mut T,
    buffer: *mut T,
}

impl<T: Float> VectorKernel<T> for Strided<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Self { conv, source, .. } = self;
        let [height, width] = conv.size;
        let pairs = height.div_ceil(2);
        // SAFETY: the promise of the callers of `input_grad`.
        unsafe {
            self.buffer.write_bytes(0, self.len);
            for plane in self.planes.clone() {
                let dy = self.dy.add(plane * source.size[0] * source.size[1]);
                let dx = self.dx.add(plane * height * width);
                let weight = self.packed.add(plane % conv.groups * conv.taps());
                for first in (0..pairs).step_by(self.rows) {
                    let rows = self.rows.min(pairs - first);
                    source.fill::<V>(dy, first..first + rows - 1 + self.window, rows == pairs, self.buffer);
                    for (row, parity) in (0..rows).flat_map(|row| [(row, 0), (row, 1)]) {
                        let at = 2 * (first + row) + parity;
                        if at == height {
                            break;
                        }
                        let from = self.buffer.add(row * source.pitch()).cast_const();
                        let left = ((self.planes.end - plane) * height - at) * width;
                        self.row::<V>(from, &self.taps[parity], weight, dx.add(at * width), left);
                    }
                }
            }
        }
    }
}

impl<T: Float> Strided<'_, T> {
    /// One row, by pairs of columns; `left` values are there from the row on to the end of the last plane, as planes are computed one after
    /// the other.
    #[inline(always)]
    unsafe fn row<V: Vector<Elem = T>>(
        &self,
        from: *const T,
        taps: &[Taps; 2],
        weight: *const T,
        to: *mut T,
        left: usize,
    ) {
        let width = self.conv.size[1];
        // SAFETY: the caller's promise.
        unsafe {
            for column in (0..width.div_ceil(2)).step_by(V::LANES) {
                let mut sums = [V::splat(T::ZERO); 2];
                for (sum, taps) in sums.iter_mut().zip(taps) {
                    for tap in taps {
                        let value = V::load(from.add(column + tap.step));
                        *sum = sum.mul_acc(V::splat(*weight.add(tap.weight)), value);
                    }
                }
                let (low, high) = sums[0].zip(sums[1]);
                let (to, n) = (to.wrapping_add(2 * column), width - 2 * column);
                // What goes beyond the end of the row is overwritten by the next one, which may be in the next plane.
                if 2 * (column + V::LANES) <= left {
                    low.store(to);
                    high.store(to.add(V::LANES));
                } else {
                    low.store_partial(to, n.min(V::LANES));
                    high.store_partial(to.wrapping_add(V::LANES), n.saturating_sub(V::LANES));
                }
            }
        }
    }
}
