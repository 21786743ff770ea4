//! Windows at regular distances, by vectors of outputs.
//!
//! A plane is copied with its padding, columns sorted by their remainder by the stride, so that a tap of neighbouring
//! windows is contiguous.

use super::{Axis, MOST, Number, Pooling, Window};
use crate::kernels::vector::{Vector, VectorKernel};
use crate::kernels::{Float, Isa, scratch};

/// Where the values of a plane lie.
pub(super) struct Plan {
    axes: [Axis; 2],
    /// Values of a remainder's columns.
    phase: usize,
    /// Where the taps of a row lie from an output on.
    taps: Vec<usize>,
    /// The place of every tap of a window, from that of the first.
    places: Vec<i32>,
}

impl Plan {
    pub fn new(pooling: &Pooling<'_>, axes: [Axis; 2]) -> Plan {
        let Axis { kernel, stride, .. } = axes[1];
        let reach = (kernel - 1) * pooling.dilation[1] / stride;
        // A vector of outputs may begin at the last one.
        let phase = pooling.columns.len() + reach + MOST;
        let tap = |t: usize| t * pooling.dilation[1] % stride * phase + t * pooling.dilation[1] / stride;
        let place =
            |y: usize, x: usize| (y * pooling.dilation[0] * pooling.size[1] + x * pooling.dilation[1]) as i32;
        Plan {
            axes,
            phase,
            taps: (0..kernel).map(tap).collect(),
            places: (0..axes[0].kernel).flat_map(|y| (0..kernel).map(move |x| place(y, x))).collect(),
        }
    }

    fn row(&self) -> usize {
        self.phase * self.axes[1].stride
    }

    /// The maxima of a plane, and their places.
    ///
    /// # Safety
    /// The pointers cover the plane.
    pub unsafe fn max<T: Number>(
        &self,
        isa: Isa,
        pooling: &Pooling<'_>,
        x: *const T,
        y: *mut T,
        places: Option<*mut i32>,
    ) {
        let width = pooling.size[1];
        let put = |row: usize, first: usize, codes: &[T]| {
            let Some(places) = places else { return };
            let start = pooling.rows[row].start * width;
            for (j, &code) in codes.iter().enumerate() {
                let column = first + j;
                // The first tap may lie in the padding, where it stands for windows of -∞ only.
                // SAFETY: a number of a tap.
                let place = match unsafe { code.code() } {
                    0 => (start + pooling.columns[column].start) as i32,
                    code => {
                        let left = (start + column * self.axes[1].stride) as i32;
                        left - self.axes[1].padding as i32 + self.places[code as usize]
                    }
                };
                // SAFETY: the caller's promise.
                unsafe { *places.add(row * pooling.columns.len() + column) = place };
            }
        };
        let work = |buffer: *mut T| Work { plan: self, pooling, x, buffer, y };
        scratch::with(pooling.size[0] * self.row(), |buffer: *mut T| match places {
            None => T::dispatch(isa, Max { work: work(buffer), put: None::<fn(usize, usize, &[T])> }),
            Some(_) => T::dispatch(isa, Max { work: work(buffer), put: Some(put) }),
        });
    }

    /// The averages of a plane.
    ///
    /// # Safety
    /// The pointers cover the plane.
    pub unsafe fn average<T: Number>(&self, isa: Isa, pooling: &Pooling<'_>, x: *const T, y: *mut T) {
        scratch::with(pooling.size[0] * self.row(), |buffer: *mut T| {
            T::dispatch(isa, Average(Work { plan: self, pooling, x, buffer, y }));
        });
    }
}

struct Work<'a, T> {
    plan: &'a Plan,
    pooling: &'a Pooling<'a>,
    x: *const T,
    buffer: *mut T,
    y: *mut T,
}

impl<T: Float> Work<'_, T> {
    /// Copies the plane, with `padding` around it.
    #[inline(always)]
    unsafe fn fill<V: Vector<Elem = T>>(&self, padding: T) {
        let (plan, [height, width]) = (self.plan, self.pooling.size);
        let Axis { stride, padding: before, .. } = plan.axes[1];
        // Columns beyond the last tap of the last window are not wanted.
        let used = width.min((plan.phase * stride).saturating_sub(before));
        for row in 0..height {
            // SAFETY: the caller's promise: the buffer has room for rows of phases.
            unsafe {
                let (from, to) = (self.x.add(row * width), self.buffer.add(row * plan.row()));
                let all = V::splat(padding);
                for i in (0..plan.row()).step_by(V::LANES) {
                    all.store_partial(to.add(i), V::LANES.min(plan.row() - i));
                }
                match stride {
                    1 => std::ptr::copy_nonoverlapping(from, to.add(before), used),
                    2 => {
                        let even = to.add(before % 2 * plan.phase + before / 2);
                        let odd = to.add((before + 1) % 2 * plan.phase + before.div_ceil(2));
                        for i in (0..used).step_by(2 * V::LANES) {
                            let n = (used - i).min(2 * V::LANES);
                            let low = V::load_partial(from.add(i), n.min(V::LANES));
                            let rest = n.saturating_sub(V::LANES);
                            let high = match rest {
                                0 => all,
                                _ => V::load_partial(from.add(i + V::LANES), rest),
                            };
                            let pair = low.unzip(high);
                            pair.0.store_partial(even.add(i / 2), n.div_ceil(2));
                            pair.1.store_partial(odd.add(i / 2), n / 2);
                        }
                    }
                    _ => {
                        for x in 0..used {
                            let column = x + before;
                            *to.add(column % stride * plan.phase + column / stride) = *from.add(x);
                        }
                    }
                }
            }
        }
    }

    /// Where the values of a row of taps lie for output `first`.
    #[inline(always)]
    fn row(&self, window: Window, y: usize, first: usize) -> *const T {
        let row = window.start + y * self.pooling.dilation[0];
        self.buffer.wrapping_add(row * self.plan.row() + first)
    }
}

struct Max<'a, T, F> {
    work: Work<'a, T>,
    /// Takes the codes of some outputs of a row from a column on.
    put: Option<F>,
}

impl<T: Float, F: Fn(usize, usize, &[T])> VectorKernel<T> for Max<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Self { work, put } = self;
        let columns = work.pooling.columns.len();
        // SAFETY: the maker's promise.
        unsafe {
            work.fill::<V>(T::NEG_INFINITY);
            let mut codes = [T::ZERO; MOST];
            for (row, &window) in work.pooling.rows.iter().enumerate() {
                for first in (0..columns).step_by(V::LANES) {
                    let n = V::LANES.min(columns - first);
                    let mut best = V::splat(T::NEG_INFINITY);
                    let mut code = V::splat(T::ZERO);
                    let mut tap = 0u32;
                    for y in 0..window.taps {
                        let from = work.row(window, y, first);
                        for &x in &work.plan.taps {
                            let next = V::load(from.add(x));
                            if put.is_some() {
                                code = V::pick(best, next, V::splat(T::of(f64::from(tap))), code);
                                tap += 1;
                            }
                            best = V::pick(best, next, next, best);
                        }
                    }
                    if let Some(put) = &put {
                        code.store(codes.as_mut_ptr());
                        put(row, first, &codes[..n]);
                    }
                    best.store_partial(work.y.add(row * columns + first), n);
                }
            }
        }
    }
}

struct Average<'a, T>(Work<'a, T>);

impl<T: Number> VectorKernel<T> for Average<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let work = self.0;
        let pooling = work.pooling;
        let columns = pooling.columns.len();
        // SAFETY: the maker's promise.
        unsafe {
            work.fill::<V>(T::ZERO);
            for (row, &window) in pooling.rows.iter().enumerate() {
                let y = work.y.add(row * columns);
                for first in (0..columns).step_by(V::LANES) {
                    let mut sum = V::splat(T::ZERO);
                    for y in 0..window.taps {
                        let from = work.row(window, y, first);
                        for &x in &work.plan.taps {
                            sum = sum.add(V::load(from.add(x)));
                        }
                    }
                    sum.store_partial(y.add(first), V::LANES.min(columns - first));
                }
                for (j, &column) in pooling.columns.iter().enumerate() {
                    let sum = y.add(j);
                    *sum = (*sum).over(pooling.divisor(window, column));
                }
            }
        }
    }
}
