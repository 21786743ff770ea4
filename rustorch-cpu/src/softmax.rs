//! Softmax and its logarithm along one axis of `[outer, dim, inner]`, and their gradients.
//!
//! `y = exp(x - max) / Σ exp(x - max)`; a slice of -∞ only gives NaN, as in PyTorch.

use std::ops::Range;

use super::parallel::{self, Shared};
use super::vector::{Vector, VectorKernel, max_of, sum_of};
use super::{Float, Isa, Vectored};

/// Slices worked on side by side where the axis is not the last.
const COLUMNS: usize = 64;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `exp(x - max) / Σ exp(x - max)`
    Softmax,
    /// `x - max - log Σ exp(x - max)`
    LogSoftmax,
}

/// A contiguous tensor seen as `[outer, dim, inner]`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The product of the sizes before the axis.
    pub outer: usize,
    /// The size of the axis.
    pub dim: usize,
    /// The product of the sizes after the axis.
    pub inner: usize,
}

entry_points! {
    trait Entry<T> {
        /// `y = softmax(x)` or its logarithm.
        ///
        /// # Safety
        /// `x` and `y` cover the shape; `y` may be uninitialised, or `x` itself.
        pub unsafe fn forward(isa: Isa, kind: Kind, shape: Shape, x: *const T, y: *mut T) = forward_of;
        /// `dx` from the result `y` and the gradient `dy` with respect to it:
        /// `y·(dy - Σ dy·y)` for softmax, `dy - exp(y)·Σ dy` for its logarithm.
        ///
        /// # Safety
        /// The pointers cover the shape; `dx` may be uninitialised, or `dy` itself.
        pub unsafe fn backward(isa: Isa, kind: Kind, shape: Shape, y: *const T, dy: *const T, dx: *mut T) = backward_of;
    }
}

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Vectored>(isa: Isa, kind: Kind, shape: Shape, x: *const T, y: *mut T) {
    let pointers = Shared((x, y));
    for_each_slice(shape, 20, |slices| {
        let (x, y) = pointers.get();
        T::dispatch(isa, Forward { kind, shape, x, y, slices });
    });
}

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Vectored>(
    isa: Isa,
    kind: Kind,
    shape: Shape,
    y: *const T,
    dy: *const T,
    dx: *mut T,
) {
    let pointers = Shared((y, dy, dx));
    for_each_slice(shape, if kind == Kind::Softmax { 4 } else { 16 }, |slices| {
        let (y, dy, dx) = pointers.get();
        T::dispatch(isa, Backward { kind, shape, y, dy, dx, slices });
    });
}

/// Hands out the rows (or groups of [`COLUMNS`] columns), an element of which costs `cost` simple operations.
fn for_each_slice(shape: Shape, cost: usize, f: impl Fn(Range<usize>) + Sync) {
    let per_unit = shape.dim * shape.inner.min(COLUMNS) * cost;
    let units = shape.outer * shape.inner.div_ceil(COLUMNS);
    if units > 0 && shape.dim > 0 {
        parallel::for_each_chunk(units, (parallel::GRAIN / per_unit).max(1), f);
    }
}

/// Where a unit starts, and how many slices lie side by side in it.
#[inline(always)]
fn unit(shape: Shape, index: usize) -> (usize, usize) {
    let groups = shape.inner.div_ceil(COLUMNS);
    let column = index % groups * COLUMNS;
    (index / groups * shape.dim * shape.inner + column, COLUMNS.min(shape.inner - column))
}

struct Forward<T> {
    kind: Kind,
    shape: Shape,
    x: *const T,
    y: *mut T,
    slices: Range<usize>,
}

impl<T: Float> VectorKernel<T> for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        for index in self.slices.clone() {
            let (start, columns) = unit(self.shape, index);
            let (x, y) = (self.x.wrapping_add(start), self.y.wrapping_add(start));
            // SAFETY: the promise of the callers of `forward`; units are disjoint.
            unsafe {
                match (self.shape.inner, self.kind) {
                    (1, Kind::Softmax) => softmax_row::<V, FMA>(self.shape.dim, x, y),
                    (1, Kind::LogSoftmax) => log_softmax_row::<V, FMA>(self.shape.dim, x, y),
                    _ => forward_columns::<T, FMA>(self.kind, self.shape, columns, x, y),
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn softmax_row<V: Vector, const FMA: bool>(n: usize, x: *const V::Elem, y: *mut V::Elem)
where
    V::Elem: Float,
{
    // SAFETY: the caller's promise.
    unsafe {
        let most = max_of::<V>(n, x);
        for i in 0..n {
            *y.add(i) = (*x.add(i) - most).exp::<FMA>();
        }
        let scale = V::Elem::ONE / sum_of::<V>(n, |i| V::load(y.add(i)), |i| *y.add(i));
        for i in 0..n {
            *y.add(i) = *y.add(i) * scale;
        }
    }
}

/// Elements whose exponentials are held on the stack to be added up.
const PIECE: usize = 256;

#[inline(always)]
unsafe fn log_softmax_row<V: Vector, const FMA: bool>(n: usize, x: *const V::Elem, y: *mut V::Elem)
where
    V::Elem: Float,
{
    let mut e = [V::Elem::ZERO; PIECE];
    let mut total = V::Elem::ZERO;
    // SAFETY: the caller's promise.
    unsafe {
        let most = max_of::<V>(n, x);
        for start in (0..n).step_by(PIECE) {
            let len = PIECE.min(n - start);
            for (i, e) in e[..len].iter_mut().enumerate() {
                *e = (*x.add(start + i) - most).exp::<FMA>();
            }
            total = total + sum_of::<V>(len, |i| V::load(e.as_ptr().add(i)), |i| e[i]);
        }
        let log = total.log::<FMA>();
        for i in 0..n {
            *y.add(i) = *x.add(i) - most - log;
        }
    }
}

/// `columns` slices side by side, the elements of each `inner` apart.
#[inline(always)]
unsafe fn forward_columns<T: Float, const FMA: bool>(
    kind: Kind,
    shape: Shape,
    columns: usize,
    x: *const T,
    y: *mut T,
) {
    let mut most = [T::NEG_INFINITY; COLUMNS];
    let mut total = [T::ZERO; COLUMNS];
    // SAFETY: the caller's promise.
    unsafe {
        for d in 0..shape.dim {
            let x = x.add(d * shape.inner);
            for (j, most) in most[..columns].iter_mut().enumerate() {
                *most = if *x.add(j) > *most { *x.add(j) } else { *most };
            }
        }
        for d in 0..shape.dim {
            let (x, y) = (x.add(d * shape.inner), y.add(d * shape.inner));
            for (j, total) in total[..columns].iter_mut().enumerate() {
                let centred = *x.add(j) - most[j];
                let e = centred.exp::<FMA>();
                *total = *total + e;
                *y.add(j) = if kind == Kind::Softmax { e } else { centred };
            }
        }
        for total in &mut total[..columns] {
            *total = if kind == Kind::Softmax { T::ONE / *total } else { total.log::<FMA>() };
        }
        for d in 0..shape.dim {
            let y = y.add(d * shape.inner);
            for (j, &total) in total[..columns].iter().enumerate() {
                let value = *y.add(j);
                *y.add(j) = if kind == Kind::Softmax { value * total } else { value - total };
            }
        }
    }
}

struct Backward<T> {
    kind: Kind,
    shape: Shape,
    y: *const T,
    dy: *const T,
    dx: *mut T,
    slices: Range<usize>,
}

impl<T: Float> VectorKernel<T> for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Shape { dim, inner, .. } = self.shape;
        for index in self.slices.clone() {
            let (start, columns) = unit(self.shape, index);
            let (y, dy, dx) =
                (self.y.wrapping_add(start), self.dy.wrapping_add(start), self.dx.wrapping_add(start));
            // SAFETY: the promise of the callers of `backward`; units are disjoint.
            unsafe {
                match (inner, self.kind) {
                    (1, Kind::Softmax) => {
                        let total = sum_of::<V>(
                            dim,
                            |i| V::load(dy.add(i)).mul(V::load(y.add(i))),
                            |i| *dy.add(i) * *y.add(i),
                        );
                        for i in 0..dim {
                            *dx.add(i) = *y.add(i) * (*dy.add(i) - total);
                        }
                    }
                    (1, Kind::LogSoftmax) => {
                        let total = sum_of::<V>(dim, |i| V::load(dy.add(i)), |i| *dy.add(i));
                        for i in 0..dim {
                            *dx.add(i) = *dy.add(i) - (*y.add(i)).exp::<FMA>() * total;
                        }
                    }
                    _ => backward_columns::<T, FMA>(self.kind, self.shape, columns, y, dy, dx),
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_columns<T: Float, const FMA: bool>(
    kind: Kind,
    shape: Shape,
    columns: usize,
    y: *const T,
    dy: *const T,
    dx: *mut T,
) {
    let mut total = [T::ZERO; COLUMNS];
    // SAFETY: the caller's promise.
    unsafe {
        for d in 0..shape.dim {
            let (y, dy) = (y.add(d * shape.inner), dy.add(d * shape.inner));
            for (j, total) in total[..columns].iter_mut().enumerate() {
                let factor = if kind == Kind::Softmax { *y.add(j) } else { T::ONE };
                *total = *total + *dy.add(j) * factor;
            }
        }
        for d in 0..shape.dim {
            let at = d * shape.inner;
            let (y, dy, dx) = (y.add(at), dy.add(at), dx.add(at));
            for (j, &total) in total[..columns].iter().enumerate() {
                let (y, dy) = (*y.add(j), *dy.add(j));
                *dx.add(j) = match kind {
                    Kind::Softmax => y * (dy - total),
                    Kind::LogSoftmax => dy - y.exp::<FMA>() * total,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: u64) -> Vec<f32> {
        (0..n as u64).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 200.0 - 5.0).collect()
    }

    fn index(shape: Shape, o: usize, d: usize, i: usize) -> usize {
        (o * shape.dim + d) * shape.inner + i
    }

    /// Softmax of one slice in f64.
    fn exact(shape: Shape, x: &[f32], o: usize, i: usize) -> Vec<f64> {
        let slice: Vec<f64> = (0..shape.dim).map(|d| x[index(shape, o, d, i)] as f64).collect();
        let most = slice.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = slice.iter().map(|v| (v - most).exp()).sum();
        slice.iter().map(|v| (v - most).exp() / total).collect()
    }

    #[test]
    fn forward_and_backward_against_f64() {
        for isa in Isa::available() {
            for (outer, dim, inner) in [
                (3, 10, 1),
                (1, 1, 1),
                (7, 1000, 1),
                (2, 65, 1),
                (2, 5, 7),
                (3, 9, 130),
                (0, 4, 1),
                (2, 0, 3),
            ] {
                let shape = Shape { outer, dim, inner };
                let n = outer * dim * inner;
                let (x, dy) = (values(n, 1), values(n, 2));
                for kind in [Kind::Softmax, Kind::LogSoftmax] {
                    let (mut y, mut dx) = (vec![f32::NAN; n], vec![f32::NAN; n]);
                    // SAFETY: the vectors have the shape's size.
                    unsafe {
                        forward(isa, kind, shape, x.as_ptr(), y.as_mut_ptr());
                        backward(isa, kind, shape, y.as_ptr(), dy.as_ptr(), dx.as_mut_ptr());
                    }
                    for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
                        check_slice(kind, shape, (o, i), [&x, &dy, &y, &dx]);
                    }
                }
            }
        }
    }

    fn check_slice(kind: Kind, shape: Shape, (o, i): (usize, usize), [x, dy, y, dx]: [&[f32]; 4]) {
        let p = exact(shape, x, o, i);
        let at = |values: &[f32], d: usize| values[index(shape, o, d, i)] as f64;
        let dot: f64 = (0..shape.dim).map(|d| at(dy, d) * p[d]).sum();
        let sum: f64 = (0..shape.dim).map(|d| at(dy, d)).sum();
        for (d, &p) in p.iter().enumerate() {
            let (value, gradient) = match kind {
                Kind::Softmax => (p, p * (at(dy, d) - dot)),
                Kind::LogSoftmax => (p.ln(), at(dy, d) - p * sum),
            };
            let scale = 1.0 + value.abs();
            assert!((at(y, d) - value).abs() <= 2e-6 * scale, "{kind:?} {shape:?}: {} {value}", at(y, d));
            let scale = 1.0 + gradient.abs() + p * sum.abs();
            assert!(
                (at(dx, d) - gradient).abs() <= 1e-5 * scale,
                "{kind:?} {shape:?}: {} {gradient}",
                at(dx, d)
            );
        }
    }

    #[test]
    fn infinities_and_nan() {
        for isa in Isa::available() {
            let inf = f32::INFINITY;
            let x = [[1.0, -inf, 1.0], [-inf, -inf, -inf], [f32::NAN, 0.0, 1.0], [1e30, 0.0, -1e30]];
            let mut y = [[0f32; 3]; 4];
            let shape = Shape { outer: 4, dim: 3, inner: 1 };
            // SAFETY: 12 values each.
            unsafe { forward(isa, Kind::Softmax, shape, x.as_ptr().cast(), y.as_mut_ptr().cast::<f32>()) };
            assert_eq!(y[0], [0.5, 0.0, 0.5]);
            assert!(y[1].iter().chain(&y[2]).all(|v| v.is_nan()));
            assert_eq!(y[3], [1.0, 0.0, 0.0]);
        }
    }
}
