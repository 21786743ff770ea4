//! Pooling of planes, `[planes, height, width]`, by windows whose places are given per axis: so plain, dilated, padded,
//! ceiling and adaptive pooling are one interface. Windows of 2×2 side by side ([`halve`]) and windows at regular distances
//! ([`regular`]) are computed by vectors of outputs, the rest one by one.
//!
//! What compiled networks call: [`max_forward`] (with places, or without for inference), [`scatter`] for its gradient,
//! [`average`] and [`spread`]; after a convolution with fused pooling, [`halve_backward`].
//!
//! Gradients are scattered (maxima) or spread (averages) plane by plane; every plane belongs to one thread, so the
//! order of additions does not depend on how many there are.

mod halves;
mod regular;

#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;

use super::isa::Kernel;
use super::{Vectored, isa, parallel};

pub use halves::{HalveBackward, halve, halve_backward};

/// A window's place along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first tap that lies inside the plane.
    pub start: usize,
    /// How many taps lie inside.
    pub taps: usize,
    /// What the window counts for in an average: its taps, or with padding included also those outside.
    pub extent: usize,
}

/// Windows at regular distances along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Taps of a window, those in the padding included.
    pub kernel: usize,
    /// Steps from a window to the next.
    pub stride: usize,
    /// Elements before the axis that the first window begins with.
    pub padding: usize,
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug)]
pub struct Pooling<'a> {
    /// Planes to pool.
    pub planes: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// A window per row of the output.
    pub rows: &'a [Window],
    /// A window per column of the output.
    pub columns: &'a [Window],
    /// Steps between the taps of a window.
    pub dilation: [usize; 2],
    /// What averages divide by; the product of the windows' extents if there is none.
    pub divisor: Option<usize>,
    /// Where the windows come from, if they lie at regular distances.
    pub axes: Option<[Axis; 2]>,
}

/// Lanes of the widest vector.
const MOST: usize = 16;

/// A number that can be pooled.
pub trait Number: Vectored {
    /// Division by a count.
    fn over(self, count: usize) -> Self;
    /// A small whole number as an integer.
    ///
    /// # Safety
    /// It is one.
    unsafe fn code(self) -> i32;
}

impl Number for f32 {
    #[inline(always)]
    fn over(self, count: usize) -> Self {
        self / count as f32
    }

    #[inline(always)]
    unsafe fn code(self) -> i32 {
        // SAFETY: the caller's promise. (A conversion with checks is not vectorised.)
        unsafe { self.to_int_unchecked() }
    }
}

impl Number for f64 {
    #[inline(always)]
    fn over(self, count: usize) -> Self {
        self / count as f64
    }

    #[inline(always)]
    unsafe fn code(self) -> i32 {
        // SAFETY: the caller's promise. (A conversion with checks is not vectorised.)
        unsafe { self.to_int_unchecked() }
    }
}

impl Pooling<'_> {
    /// The windows at regular distances, unless they are larger than the padded image, which rounding up allows: then
    /// most of their taps see nothing, and there may be any number of those.
    fn regular(&self) -> Option<[Axis; 2]> {
        self.axes.filter(|axes| {
            (0..2).all(|i| {
                axes[i].kernel.saturating_sub(1) <= (self.size[i] + 2 * axes[i].padding) / self.dilation[i]
            })
        })
    }

    fn input(&self) -> usize {
        self.size[0] * self.size[1]
    }

    fn output(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Whether every window is two by two and they lie side by side.
    fn halves(&self) -> bool {
        let pairs =
            |windows: &[Window]| windows.iter().enumerate().all(|(i, w)| w.start == 2 * i && w.taps == 2);
        self.dilation == [1, 1] && pairs(self.rows) && pairs(self.columns)
    }

    fn divisor(&self, row: Window, column: Window) -> usize {
        self.divisor.unwrap_or(row.extent * column.extent)
    }

    /// Calls `work` for each plane, on several threads if there is enough to do.
    fn for_each_plane(&self, work: impl Fn(usize) + Sync) {
        let cost = self.input().max(self.output()).max(1);
        parallel::for_each_chunk(self.planes, (parallel::GRAIN / (2 * cost)).max(1), |planes| {
            planes.for_each(&work);
        });
    }
}

entry_points! {
    trait Entry<T> {
        /// The greatest element of every window, NaN if there is one, and on request its place in the plane: the first among equals.
        pub fn max_forward(pooling: &Pooling<'_>, x: &[T], y: &mut [MaybeUninit<T>], places: Option<&mut [MaybeUninit<i32>]>) = max_forward_of;
        /// [`max_forward`] with what was prepared for the same windows.
        pub fn max_forward_prepared(pooling: &Pooling<'_>, prepared: &Prepared<T>, x: &[T], y: &mut [MaybeUninit<T>], places: Option<&mut [MaybeUninit<i32>]>) = max_forward_prepared_of;
        /// Adds each element of `dy` to the place in its plane of `dx` from which it came; `dx` starts at zero.
        pub fn scatter(pooling: &Pooling<'_>, dy: &[T], places: &[i32], dx: &mut [MaybeUninit<T>]) = scatter_of;
        /// Reads each place of a plane: the adjoint of [`scatter`].
        pub fn gather(pooling: &Pooling<'_>, x: &[T], places: &[i32], y: &mut [MaybeUninit<T>]) = gather_of;
        /// The average of every window.
        pub fn average(pooling: &Pooling<'_>, x: &[T], y: &mut [MaybeUninit<T>]) = average_of;
        /// [`average`] with what was prepared for the same windows.
        pub fn average_prepared(pooling: &Pooling<'_>, prepared: &Prepared<T>, x: &[T], y: &mut [MaybeUninit<T>]) = average_prepared_of;
        /// Spreads each element of `dy` evenly over its window: the adjoint of [`average`].
        pub fn spread(pooling: &Pooling<'_>, dy: &[T], dx: &mut [MaybeUninit<T>]) = spread_of;
    }
}

/// What is worked out for windows at regular distances, of which several runs make use.
pub struct Prepared<T>(Option<([Axis; 2], regular::Plan<T>)>);

impl Pooling<'_> {
    /// See there.
    pub fn prepare<T: Number>(&self) -> Prepared<T> {
        let axes = self.regular();
        Prepared(axes.map(|axes| (axes, regular::Plan::new(self, axes))))
    }
}

/// [`max_forward()`] of one type.
fn max_forward_of<T: Number>(
    pooling: &Pooling<'_>,
    x: &[T],
    y: &mut [MaybeUninit<T>],
    places: Option<&mut [MaybeUninit<i32>]>,
) {
    max_forward_prepared_of(pooling, &pooling.prepare(), x, y, places);
}

/// [`max_forward_prepared()`] of one type.
fn max_forward_prepared_of<T: Number>(
    pooling: &Pooling<'_>,
    prepared: &Prepared<T>,
    x: &[T],
    y: &mut [MaybeUninit<T>],
    mut places: Option<&mut [MaybeUninit<i32>]>,
) {
    let (input, output) = (pooling.input(), pooling.output());
    assert!(x.len() == pooling.planes * input && y.len() == pooling.planes * output);
    assert!(places.as_ref().is_none_or(|places| places.len() == pooling.planes * output));
    let places = places.as_mut().map(|places| places.as_mut_ptr().cast::<i32>());
    let out = parallel::Shared((y.as_mut_ptr().cast::<T>(), places));
    // Places are computed as numbers of `T`, which must be exact.
    let regular = prepared.0.as_ref().filter(|_| places.is_none() || input <= 1 << 24);
    let halves = pooling.halves();
    let set = isa();
    pooling.for_each_plane(|plane| {
        let (y, places) = out.get();
        let x = &x[plane * input..][..input];
        let y = y.wrapping_add(plane * output);
        let places = places.map(|places| places.wrapping_add(plane * output));
        match regular {
            // SAFETY: the plane's own part of the outputs, whose lengths were checked.
            _ if halves => unsafe { halves::max_plane(set, pooling, x.as_ptr(), y, places) },
            // SAFETY: as above.
            Some((_, plan)) => unsafe { plan.max(set, pooling, x.as_ptr(), y, places) },
            None => {
                // SAFETY: as above.
                let y = unsafe { std::slice::from_raw_parts_mut(y.cast(), output) };
                let places = places
                    // SAFETY: as above.
                    .map(|places| unsafe { std::slice::from_raw_parts_mut(places.cast(), output) });
                set.run(MaxPlane { pooling, x, y, places });
            }
        }
    });
}

struct MaxPlane<'a, T> {
    pooling: &'a Pooling<'a>,
    x: &'a [T],
    y: &'a mut [MaybeUninit<T>],
    places: Option<&'a mut [MaybeUninit<i32>]>,
}

/// The greater of two values with their places; NaN wins, the first among equals.
#[inline(always)]
#[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
fn greater<T: Number>(best: (T, i32), next: (T, i32)) -> (T, i32) {
    if next.0 > best.0 || next.0 != next.0 { next } else { best }
}

impl<T: Number> Kernel for MaxPlane<'_, T> {
    type Output = ();
    const WIDE: bool = false;

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { pooling, x, y, mut places } = self;
        let width = pooling.size[1];
        for (index, (row, column)) in windows(pooling).enumerate() {
            let first = row.start * width + column.start;
            let mut best = (x[first], first as i32);
            for dy in 0..row.taps {
                for dx in 0..column.taps {
                    let at = first + dy * pooling.dilation[0] * width + dx * pooling.dilation[1];
                    best = greater(best, (x[at], at as i32));
                }
            }
            y[index].write(best.0);
            if let Some(places) = &mut places {
                places[index].write(best.1);
            }
        }
    }
}

/// [`scatter()`] of one type.
fn scatter_of<T: Number>(pooling: &Pooling<'_>, dy: &[T], places: &[i32], dx: &mut [MaybeUninit<T>]) {
    let (input, output) = (pooling.input(), pooling.output());
    assert!(
        dx.len() == pooling.planes * input && dy.len() == pooling.planes * output && places.len() == dy.len()
    );
    let out = parallel::Shared(dx.as_mut_ptr());
    pooling.for_each_plane(|plane| {
        // SAFETY: the plane's own part of the output, whose length was checked.
        let dx = unsafe { zeroed(out.get().add(plane * input), input) };
        let (dy, places) = (&dy[plane * output..][..output], &places[plane * output..][..output]);
        for (&dy, &place) in dy.iter().zip(places) {
            let sum = &mut dx[place as usize];
            *sum = *sum + dy;
        }
    });
}

/// [`gather()`] of one type.
fn gather_of<T: Number>(pooling: &Pooling<'_>, x: &[T], places: &[i32], y: &mut [MaybeUninit<T>]) {
    let (input, output) = (pooling.input(), pooling.output());
    assert!(
        x.len() == pooling.planes * input && y.len() == pooling.planes * output && places.len() == y.len()
    );
    if output == 0 {
        return;
    }
    for ((y, places), x) in y.chunks_mut(output).zip(places.chunks(output)).zip(x.chunks(input)) {
        for (y, &place) in y.iter_mut().zip(places) {
            y.write(x[place as usize]);
        }
    }
}

/// [`average()`] of one type.
fn average_of<T: Number>(pooling: &Pooling<'_>, x: &[T], y: &mut [MaybeUninit<T>]) {
    average_prepared_of(pooling, &pooling.prepare(), x, y);
}

/// [`average_prepared()`] of one type.
fn average_prepared_of<T: Number>(
    pooling: &Pooling<'_>,
    prepared: &Prepared<T>,
    x: &[T],
    y: &mut [MaybeUninit<T>],
) {
    let (input, output, width) = (pooling.input(), pooling.output(), pooling.size[1]);
    assert!(x.len() == pooling.planes * input && y.len() == pooling.planes * output);
    let out = parallel::Shared(y.as_mut_ptr());
    // Windows of a large part of the plane are left to sums along rows.
    let regular = prepared.0.as_ref().filter(|(axes, _)| axes[0].kernel * axes[1].kernel * 4 <= input);
    let set = isa();
    pooling.for_each_plane(|plane| {
        let x = &x[plane * input..][..input];
        if let Some((_, plan)) = regular {
            let y = out.get().cast::<T>().wrapping_add(plane * output);
            // SAFETY: the plane's own part of the output, whose length was checked.
            return unsafe { plan.average(set, pooling, x.as_ptr(), y) };
        }
        for (index, (row, column)) in windows(pooling).enumerate() {
            let mut sum = T::default();
            for y in row.start..row.start + row.taps {
                for &x in &x[y * width + column.start..][..column.taps] {
                    sum = sum + x;
                }
            }
            // SAFETY: the plane's own part of the output, whose length was checked.
            unsafe {
                out.get()
                    .add(plane * output + index)
                    .write(MaybeUninit::new(sum.over(pooling.divisor(row, column))))
            }
        }
    });
}

/// [`spread()`] of one type.
fn spread_of<T: Number>(pooling: &Pooling<'_>, dy: &[T], dx: &mut [MaybeUninit<T>]) {
    let (input, output, width) = (pooling.input(), pooling.output(), pooling.size[1]);
    assert!(dx.len() == pooling.planes * input && dy.len() == pooling.planes * output);
    let out = parallel::Shared(dx.as_mut_ptr());
    let whole = || pooling.rows.iter().chain(pooling.columns).all(|window| window.extent == 2);
    let quarters = pooling.halves() && pooling.divisor.map_or_else(whole, |divisor| divisor == 4);
    let set = isa();
    pooling.for_each_plane(|plane| {
        // SAFETY: the plane's own part of the output, whose length was checked.
        let dx = unsafe { zeroed(out.get().add(plane * input), input) };
        if quarters {
            let dy = &dy[plane * output..][..output];
            // SAFETY: as above.
            return unsafe { halves::spread_plane(set, pooling, dy.as_ptr(), dx.as_mut_ptr()) };
        }
        for ((row, column), &dy) in windows(pooling).zip(&dy[plane * output..][..output]) {
            let part = dy.over(pooling.divisor(row, column));
            for y in row.start..row.start + row.taps {
                for dx in &mut dx[y * width + column.start..][..column.taps] {
                    *dx = *dx + part;
                }
            }
        }
    });
}

/// The windows of a plane, in the order of the output.
fn windows<'a>(pooling: &Pooling<'a>) -> impl Iterator<Item = (Window, Window)> + 'a {
    let columns = pooling.columns;
    pooling.rows.iter().flat_map(move |&row| columns.iter().map(move |&column| (row, column)))
}

/// Zeros in place of uninitialised memory.
///
/// # Safety
/// `len` elements at `ptr` are writable, by nobody else while the result lives.
unsafe fn zeroed<'a, T: Number>(ptr: *mut MaybeUninit<T>, len: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise; written before it is seen as initialised.
    unsafe {
        for i in 0..len {
            ptr.add(i).write(MaybeUninit::new(T::default()));
        }
        std::slice::from_raw_parts_mut(ptr.cast(), len)
    }
}

/// The functions of this module for one type.
pub trait Entries<T>: Entry<T> + halves::Entry<T> {}
impl Entries<f32> for f32 {}
impl Entries<f64> for f64 {}
