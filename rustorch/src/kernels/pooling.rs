//! Pooling of planes, `[planes, height, width]`, by windows whose places are given per axis: so plain, dilated, padded,
//! ceiling and adaptive pooling are one loop.
//!
//! Gradients are scattered (maxima) or spread (averages) plane by plane; every plane belongs to one thread, so the
//! order of additions does not depend on how many there are.

use std::mem::MaybeUninit;

use super::isa::Kernel;
use super::{isa, parallel};

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
}

/// A number that can be pooled.
pub trait Number: Copy + Default + PartialOrd + Send + Sync + std::ops::Add<Output = Self> + 'static {
    /// Division by a count.
    fn over(self, count: usize) -> Self;
}

impl Number for f32 {
    #[inline(always)]
    fn over(self, count: usize) -> Self {
        self / count as f32
    }
}

impl Number for f64 {
    #[inline(always)]
    fn over(self, count: usize) -> Self {
        self / count as f64
    }
}

impl Pooling<'_> {
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

/// The greatest element of every window, NaN if there is one, and its place in the plane.
pub fn max_forward<T: Number>(
    pooling: &Pooling<'_>,
    x: &[T],
    y: &mut [MaybeUninit<T>],
    places: &mut [MaybeUninit<i32>],
) {
    let (input, output) = (pooling.input(), pooling.output());
    assert!(
        x.len() == pooling.planes * input && y.len() == pooling.planes * output && places.len() == y.len()
    );
    let out = parallel::Shared((y.as_mut_ptr(), places.as_mut_ptr()));
    let halves = pooling.halves();
    pooling.for_each_plane(|plane| {
        let (y, places) = out.get();
        // SAFETY: the plane's own part of the outputs, whose lengths were checked.
        let (y, places) = unsafe {
            (
                std::slice::from_raw_parts_mut(y.add(plane * output), output),
                std::slice::from_raw_parts_mut(places.add(plane * output), output),
            )
        };
        let x = &x[plane * input..][..input];
        isa().run(MaxPlane { pooling, x, y, places, halves });
    });
}

struct MaxPlane<'a, T> {
    pooling: &'a Pooling<'a>,
    x: &'a [T],
    y: &'a mut [MaybeUninit<T>],
    places: &'a mut [MaybeUninit<i32>],
    halves: bool,
}

/// The greater of two values with their places; NaN wins, the first among equals.
#[inline(always)]
#[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
fn greater<T: Number>(best: (T, i32), next: (T, i32)) -> (T, i32) {
    if next.0 > best.0 || next.0 != next.0 { next } else { best }
}

impl<T: Number> Kernel for MaxPlane<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { pooling, x, y, places, halves } = self;
        let (width, columns) = (pooling.size[1], pooling.columns.len());
        for (row, window) in pooling.rows.iter().enumerate() {
            let (y, places) = (&mut y[row * columns..][..columns], &mut places[row * columns..][..columns]);
            if halves {
                let first = 2 * row * width;
                let (upper, lower) = (&x[first..][..2 * columns], &x[first + width..][..2 * columns]);
                for column in 0..columns {
                    let at = (first + 2 * column) as i32;
                    let top = greater((upper[2 * column], at), (upper[2 * column + 1], at + 1));
                    let below = at + width as i32;
                    let best =
                        greater(greater(top, (lower[2 * column], below)), (lower[2 * column + 1], below + 1));
                    y[column].write(best.0);
                    places[column].write(best.1);
                }
                continue;
            }
            for (column, across) in pooling.columns.iter().enumerate() {
                let first = window.start * width + across.start;
                let mut best = (x[first], first as i32);
                for dy in 0..window.taps {
                    for dx in 0..across.taps {
                        let at = first + dy * pooling.dilation[0] * width + dx * pooling.dilation[1];
                        best = greater(best, (x[at], at as i32));
                    }
                }
                y[column].write(best.0);
                places[column].write(best.1);
            }
        }
    }
}

/// Adds each element of `dy` to the place in its plane of `dx` from which it came; `dx` starts at zero.
pub fn scatter<T: Number>(pooling: &Pooling<'_>, dy: &[T], places: &[i32], dx: &mut [MaybeUninit<T>]) {
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

/// Reads each place of a plane: the adjoint of [`scatter`].
pub fn gather<T: Number>(pooling: &Pooling<'_>, x: &[T], places: &[i32], y: &mut [MaybeUninit<T>]) {
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

/// The average of every window.
pub fn average<T: Number>(pooling: &Pooling<'_>, x: &[T], y: &mut [MaybeUninit<T>]) {
    let (input, output, width) = (pooling.input(), pooling.output(), pooling.size[1]);
    assert!(x.len() == pooling.planes * input && y.len() == pooling.planes * output);
    let out = parallel::Shared(y.as_mut_ptr());
    pooling.for_each_plane(|plane| {
        let x = &x[plane * input..][..input];
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

/// Spreads each element of `dy` evenly over its window: the adjoint of [`average`].
pub fn spread<T: Number>(pooling: &Pooling<'_>, dy: &[T], dx: &mut [MaybeUninit<T>]) {
    let (input, output, width) = (pooling.input(), pooling.output(), pooling.size[1]);
    assert!(dx.len() == pooling.planes * input && dy.len() == pooling.planes * output);
    let out = parallel::Shared(dx.as_mut_ptr());
    pooling.for_each_plane(|plane| {
        // SAFETY: the plane's own part of the output, whose length was checked.
        let dx = unsafe { zeroed(out.get().add(plane * input), input) };
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
