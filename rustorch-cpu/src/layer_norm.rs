//! Layer normalisation of rows, and its gradients.
//!
//! `y = (x - mean) / √(var + eps) · weight + bias` (Ba, Kiros and Hinton, 2016), or, without the mean, RMS normalisation:
//! `y = x / √(mean(x²) + eps) · weight` (Zhang and Sennrich, 2019).

use std::ops::Range;

use super::parallel::{self, Shared};
use super::vector::{Vector, VectorKernel, sum_of};
use super::{Float, Isa, Vectored, scratch};

/// What is normalised: `rows` contiguous rows of `dim` elements.
#[derive(Clone, Copy, Debug)]
pub struct Norm<T> {
    /// How many rows.
    pub rows: usize,
    /// The elements of a row.
    pub dim: usize,
    /// Added to the variance.
    pub eps: T,
    /// Whether the mean is subtracted; not for RMS normalisation.
    pub centred: bool,
    /// A factor per element of a row.
    pub weight: Option<*const T>,
    /// A summand per element of a row.
    pub bias: Option<*const T>,
}

entry_points! {
    trait Entry<T> {
        /// Normalises; `mean` (not written where not `centred`) and `rstd` = `1/√(var + eps)`, one per row, are kept for [`backward`] if asked for.
        ///
        /// # Safety
        /// The pointers cover what [`Norm`] describes; the outputs may be uninitialised; `y` may be `x` itself.
        pub unsafe fn forward(isa: Isa, norm: &Norm<T>, x: *const T, y: *mut T, kept: Option<(*mut T, *mut T)>) = forward_of;
        /// The gradients. `dx` may be `dy` itself where `dweight` and `dbias` are not asked for.
        ///
        /// # Safety
        /// The pointers cover what [`Norm`] describes; the outputs may be uninitialised.
        pub unsafe fn backward(isa: Isa, norm: &Norm<T>, gradients: &Gradients<T>) = backward_of;
    }
}

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Vectored>(
    isa: Isa,
    norm: &Norm<T>,
    x: *const T,
    y: *mut T,
    kept: Option<(*mut T, *mut T)>,
) {
    let shared = Shared((x, y, kept, *norm));
    parallel::for_each_chunk(norm.rows, (parallel::GRAIN / (norm.dim * 4).max(1)).max(1), |rows| {
        let (x, y, kept, norm) = shared.get();
        T::dispatch(isa, Forward { norm, x, y, kept, rows });
    });
}

struct Forward<T> {
    norm: Norm<T>,
    x: *const T,
    y: *mut T,
    kept: Option<(*mut T, *mut T)>,
    rows: Range<usize>,
}

impl<T: Float> VectorKernel<T> for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let Norm { dim, eps, centred, weight, bias, .. } = self.norm;
        for row in self.rows.clone() {
            let (x, y) = (self.x.wrapping_add(row * dim), self.y.wrapping_add(row * dim));
            // SAFETY: the promise of the callers of `forward`.
            unsafe {
                let (mean, rstd) = moments::<V>(dim, x, eps, centred);
                if let Some((means, rstds)) = self.kept {
                    if centred {
                        *means.add(row) = mean;
                    }
                    *rstds.add(row) = rstd;
                }
                let (means, rstds) = (V::splat(mean), V::splat(rstd));
                let units = |i: usize| V::load(x.add(i)).sub(means).mul(rstds);
                let unit = |i: usize| (*x.add(i) - mean) * rstd;
                match (weight, bias) {
                    (Some(w), Some(b)) => write_row::<V>(
                        dim,
                        y,
                        |i| V::load(b.add(i)).mul_acc(units(i), V::load(w.add(i))),
                        |i| unit(i).mul_add::<FMA>(*w.add(i), *b.add(i)),
                    ),
                    (Some(w), None) => {
                        write_row::<V>(dim, y, |i| units(i).mul(V::load(w.add(i))), |i| unit(i) * *w.add(i))
                    }
                    (None, Some(b)) => {
                        write_row::<V>(dim, y, |i| units(i).add(V::load(b.add(i))), |i| unit(i) + *b.add(i))
                    }
                    (None, None) => write_row::<V>(dim, y, units, unit),
                }
            }
        }
    }
}

/// The mean of `n` values, 0 where not `centred`, and `1/√(var + eps)`: two walks, so that a large mean does not cancel a small
/// variance.
///
/// # Safety
/// The machine has the instruction set of `V`; `n` values are readable.
#[inline(always)]
pub(super) unsafe fn moments<V: Vector>(
    n: usize,
    x: *const V::Elem,
    eps: V::Elem,
    centred: bool,
) -> (V::Elem, V::Elem)
where
    V::Elem: Float,
{
    // SAFETY: the caller's promise.
    unsafe {
        let per_row = V::Elem::ONE / V::Elem::of(n as f64);
        let mean = match centred {
            true => sum_of::<V>(n, |i| V::load(x.add(i)), |i| *x.add(i)) * per_row,
            false => V::Elem::ZERO,
        };
        let square = |distance: V| distance.mul(distance);
        let squares = sum_of::<V>(
            n,
            |i| square(V::load(x.add(i)).sub(V::splat(mean))),
            |i| (*x.add(i) - mean) * (*x.add(i) - mean),
        );
        (mean, V::Elem::ONE / (squares * per_row + eps).sqrt())
    }
}

/// `Σ g·u` with `u = (x - mean)·rstd`, `vector(i)` being `g` of a vector of elements from `i` on, `scalar(i)` that of one.
///
/// # Safety
/// As for [`moments`], and the closures may be called for `i < n`.
#[inline(always)]
pub(super) unsafe fn along_units<V: Vector>(
    n: usize,
    x: *const V::Elem,
    (mean, rstd): (V::Elem, V::Elem),
    vector: impl Fn(usize) -> V,
    scalar: impl Fn(usize) -> V::Elem,
) -> V::Elem
where
    V::Elem: Float,
{
    // SAFETY: the caller's promise.
    unsafe {
        let (means, rstds) = (V::splat(mean), V::splat(rstd));
        let units = |i: usize| V::load(x.add(i)).sub(means).mul(rstds);
        sum_of::<V>(n, |i| vector(i).mul(units(i)), |i| scalar(i) * ((*x.add(i) - mean) * rstd))
    }
}

/// Writes `vector(i)` to whole vectors of `to` from `i` on, and `scalar(i)` to the rest of its `n` elements.
///
/// # Safety
/// The machine has the instruction set of `V`, the elements are writable, and the closures may be called for `i < n`.
#[inline(always)]
unsafe fn write_row<V: Vector>(
    n: usize,
    to: *mut V::Elem,
    vector: impl Fn(usize) -> V,
    scalar: impl Fn(usize) -> V::Elem,
) {
    let whole = n - n % V::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        for i in (0..whole).step_by(V::LANES) {
            vector(i).store(to.add(i));
        }
        for i in whole..n {
            *to.add(i) = scalar(i);
        }
    }
}

/// What [`backward`] reads and writes; outputs that are `None` are not computed.
#[derive(Clone, Copy, Debug)]
pub struct Gradients<T> {
    /// The input of [`forward`].
    pub x: *const T,
    /// The gradient of its result.
    pub dy: *const T,
    /// Kept by [`forward`]; not read where not `centred`.
    pub mean: *const T,
    /// Kept by [`forward`].
    pub rstd: *const T,
    /// The gradient of the input: `rstd·(g - mean(g) - u·mean(g·u))` with `g = dy·weight`, `u = (x - mean)·rstd`.
    pub dx: Option<*mut T>,
    /// The gradient of the weight: `Σ dy·u` over rows.
    pub dweight: Option<*mut T>,
    /// The gradient of the bias: `Σ dy` over rows.
    pub dbias: Option<*mut T>,
}

/// Rows whose contributions to the gradients of weight and bias are added up together; at most this many partial sums exist.
const PARTS: usize = 16;

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Vectored>(isa: Isa, norm: &Norm<T>, gradients: &Gradients<T>) {
    let dim = norm.dim;
    let parameters = gradients.dweight.is_some() || gradients.dbias.is_some();
    let shared = Shared((*norm, *gradients));
    let grain = parallel::GRAIN / (dim * 8).max(1);
    if !parameters {
        return parallel::for_each_chunk(norm.rows, grain.max(1), |rows| {
            let (norm, gradients) = shared.get();
            T::dispatch(isa, Backward { norm, gradients, rows, sums: None });
        });
    }
    // Fixed pieces, each with sums of its own, which are added in order.
    let piece = norm.rows.div_ceil(PARTS).max(grain).max(1);
    let pieces = norm.rows.div_ceil(piece);
    scratch::with(pieces * 2 * dim, |sums: *mut T| {
        // SAFETY: as much memory as asked for; zero is all bytes zero.
        unsafe { sums.write_bytes(0, pieces * 2 * dim) };
        let all = Shared(sums);
        parallel::for_each(pieces, |index| {
            let (norm, gradients) = shared.get();
            let rows = index * piece..norm.rows.min((index + 1) * piece);
            let sums = Some(all.get().wrapping_add(index * 2 * dim));
            T::dispatch(isa, Backward { norm, gradients, rows, sums });
        });
        // SAFETY: written above.
        let sums = unsafe { std::slice::from_raw_parts(sums, pieces * 2 * dim) };
        for (offset, output) in [(0, gradients.dweight), (dim, gradients.dbias)] {
            let Some(output) = output else { continue };
            // SAFETY: the caller's promise, and only this function writes here.
            let output = unsafe {
                output.write_bytes(0, dim);
                std::slice::from_raw_parts_mut(output, dim)
            };
            for sums in sums.chunks_exact((2 * dim).max(1)) {
                output.iter_mut().zip(&sums[offset..]).for_each(|(total, &sum)| *total = *total + sum);
            }
        }
    });
}

struct Backward<T> {
    norm: Norm<T>,
    gradients: Gradients<T>,
    rows: Range<usize>,
    /// Sums of `dy·u`, then of `dy`.
    sums: Option<*mut T>,
}

impl<T: Float> VectorKernel<T> for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let dim = self.norm.dim;
        for row in self.rows.clone() {
            let (x, dy) =
                (self.gradients.x.wrapping_add(row * dim), self.gradients.dy.wrapping_add(row * dim));
            // SAFETY: the promise of the callers of `backward`; pieces have sums of their own.
            unsafe {
                let mean = if self.norm.centred { *self.gradients.mean.add(row) } else { T::ZERO };
                let rstd = *self.gradients.rstd.add(row);
                if let Some(sums) = self.sums {
                    let (means, rstds, totals) = (V::splat(mean), V::splat(rstd), sums.add(dim));
                    write_row::<V>(
                        dim,
                        sums,
                        |i| {
                            let units = V::load(x.add(i)).sub(means).mul(rstds);
                            V::load(sums.add(i)).mul_acc(V::load(dy.add(i)), units)
                        },
                        |i| (*dy.add(i)).mul_add::<FMA>((*x.add(i) - mean) * rstd, *sums.add(i)),
                    );
                    write_row::<V>(
                        dim,
                        totals,
                        |i| V::load(totals.add(i)).add(V::load(dy.add(i))),
                        |i| *totals.add(i) + *dy.add(i),
                    );
                }
                if let Some(dx) = self.gradients.dx {
                    let dx = dx.add(row * dim);
                    match self.norm.weight {
                        Some(w) => {
                            let g = |i: usize| V::load(dy.add(i)).mul(V::load(w.add(i)));
                            self.input(x, dx, mean, rstd, g, |i| *dy.add(i) * *w.add(i));
                        }
                        None => self.input(x, dx, mean, rstd, |i| V::load(dy.add(i)), |i| *dy.add(i)),
                    }
                }
            }
        }
    }
}

impl<T: Float> Backward<T> {
    /// `dx` of one row, `g` being `dy·weight`: of a vector of elements, of one.
    #[inline(always)]
    unsafe fn input<V: Vector<Elem = T>>(
        &self,
        x: *const T,
        dx: *mut T,
        mean: T,
        rstd: T,
        vector: impl Fn(usize) -> V,
        g: impl Fn(usize) -> T,
    ) {
        let dim = self.norm.dim;
        let per_row = T::ONE / T::of(dim as f64);
        // SAFETY: the caller's promise.
        unsafe {
            let unit = |i: usize| (*x.add(i) - mean) * rstd;
            let units = |i: usize| V::load(x.add(i)).sub(V::splat(mean)).mul(V::splat(rstd));
            let along = along_units(dim, x, (mean, rstd), &vector, &g) * per_row;
            let level = if self.norm.centred { sum_of::<V>(dim, &vector, &g) * per_row } else { T::ZERO };
            let (levels, alongs, rstds) = (V::splat(level), V::splat(along), V::splat(rstd));
            write_row::<V>(
                dim,
                dx,
                |i| vector(i).sub(levels).sub(units(i).mul(alongs)).mul(rstds),
                |i| rstd * (g(i) - level - unit(i) * along),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: u64) -> Vec<f64> {
        (0..n as u64).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f64 / 500.0 - 2.0).collect()
    }

    /// The sum of `dy · y`, whose gradients are those that [`backward`] computes.
    fn objective(norm: &Norm<f64>, x: &[f64], w: &[f64], b: &[f64], dy: &[f64]) -> f64 {
        let mut total = 0.0;
        for row in 0..norm.rows {
            let x = &x[row * norm.dim..][..norm.dim];
            let mean = if norm.centred { x.iter().sum::<f64>() / norm.dim as f64 } else { 0.0 };
            let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / norm.dim as f64;
            for i in 0..norm.dim {
                total += dy[row * norm.dim + i] * ((x[i] - mean) / (var + norm.eps).sqrt() * w[i] + b[i]);
            }
        }
        total
    }

    #[test]
    fn against_finite_differences() {
        for isa in Isa::available() {
            for (rows, dim, centred) in
                [(1, 1, false), (3, 7, true), (5, 70, true), (40, 9, false), (0, 5, true)]
            {
                let n = rows * dim;
                let (x, dy, w, b) = (values(n, 1), values(n, 2), values(dim, 3), values(dim, 4));
                let norm =
                    Norm { rows, dim, eps: 1e-5, centred, weight: Some(w.as_ptr()), bias: Some(b.as_ptr()) };
                let mut kept = vec![f64::NAN; 2 * rows];
                let (mut y, mut dx) = (vec![f64::NAN; n], vec![f64::NAN; n]);
                let (mut dw, mut db) = (vec![f64::NAN; dim], vec![f64::NAN; dim]);
                let (mean, rstd) = kept.split_at_mut(rows);
                // SAFETY: the vectors have the sizes that the norm says.
                unsafe {
                    forward(
                        isa,
                        &norm,
                        x.as_ptr(),
                        y.as_mut_ptr(),
                        Some((mean.as_mut_ptr(), rstd.as_mut_ptr())),
                    );
                    let gradients = Gradients {
                        x: x.as_ptr(),
                        dy: dy.as_ptr(),
                        mean: mean.as_ptr(),
                        rstd: rstd.as_ptr(),
                        dx: Some(dx.as_mut_ptr()),
                        dweight: Some(dw.as_mut_ptr()),
                        dbias: Some(db.as_mut_ptr()),
                    };
                    backward(isa, &norm, &gradients);
                }
                let expected = objective(&norm, &x, &w, &b, &dy);
                let got: f64 = y.iter().zip(&dy).map(|(y, g)| y * g).sum();
                assert!((got - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{got} {expected}");
                let check = |which: usize, i: usize, got: f64| {
                    let moved = |by: f64| {
                        let mut all = [x.clone(), w.clone(), b.clone()];
                        all[which][i] += by;
                        objective(&norm, &all[0], &all[1], &all[2], &dy)
                    };
                    let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    assert!((got - slope).abs() <= 1e-5 * (1.0 + slope.abs()), "{which} {i}: {got} {slope}");
                };
                dx.iter().enumerate().for_each(|(i, &v)| check(0, i, v));
                dw.iter().enumerate().for_each(|(i, &v)| check(1, i, v));
                db.iter().enumerate().for_each(|(i, &v)| check(2, i, v));
            }
        }
    }
}
