//! Batch normalisation of `[batch, channels, inner]`, and its gradients.
//!
//! `y = (x - mean) / √(var + eps) · weight + bias` per channel (Ioffe and Szegedy, 2015). Means and variances are taken in two passes over
//! the values, so that a large mean does not cancel a small variance. A channel, or 64 of them where `inner` is 1, is one task:
//! no sum is split.

use std::ops::Range;

use super::parallel::{self, Shared};
use super::vector::{Vector, VectorKernel, sum_of};
use super::{Float, Isa, Vectored};

/// Channels worked on side by side where `inner` is 1.
const COLUMNS: usize = 64;
/// Rows whose sums are added up before they join the total, where `inner` is 1.
const ROWS: usize = 256;

/// A contiguous tensor seen as `[batch, channels, inner]`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Samples.
    pub batch: usize,
    /// Channels, each with its own statistics.
    pub channels: usize,
    /// The product of the sizes after the channels.
    pub inner: usize,
}

impl Shape {
    /// Values per channel.
    fn count(self) -> usize {
        self.batch * self.inner
    }

    /// Calls `f` with ranges of channels, an element of which costs `cost` simple operations.
    fn for_each_channel(self, cost: usize, f: impl Fn(Range<usize>) + Sync) {
        let unit = if self.inner == 1 { COLUMNS } else { 1 };
        let grain = (parallel::GRAIN / (self.count() * unit * cost).max(1)).max(1);
        parallel::for_each_chunk(self.channels.div_ceil(unit), grain, |units| {
            for index in units {
                f(index * unit..self.channels.min((index + 1) * unit));
            }
        });
    }
}

entry_points! {
    trait Entry<T> {
        /// `mean` and `var` (divided by the count, not the count less one) of every channel.
        ///
        /// # Safety
        /// `x` covers the shape; `mean` and `var` have room for `channels` values.
        pub unsafe fn statistics(isa: Isa, shape: Shape, x: *const T, mean: *mut T, var: *mut T) = statistics_of;
        /// `y`, with given statistics: those of the batch, or running ones.
        ///
        /// # Safety
        /// The pointers cover the shape and its channels; `y` may be uninitialised, or `x` or the residual itself.
        pub unsafe fn forward(isa: Isa, shape: Shape, norm: &Norm<T>, finish: Finish<T>, x: *const T, y: *mut T) = forward_of;
        /// The gradients.
        ///
        /// # Safety
        /// The pointers cover the shape and its channels; the outputs may be uninitialised; `dx` may be `dy` itself.
        pub unsafe fn backward(isa: Isa, shape: Shape, norm: &Norm<T>, gradients: &Gradients<T>) = backward_of;
    }
}

/// [`statistics()`] of one type.
///
/// # Safety
/// As there.
unsafe fn statistics_of<T: Vectored>(isa: Isa, shape: Shape, x: *const T, mean: *mut T, var: *mut T) {
    let shared = Shared((x, mean, var));
    shape.for_each_channel(2, |channels| {
        let (x, mean, var) = shared.get();
        let scale = T::ONE / T::of(shape.count() as f64);
        let first = channels.start;
        let sums = Sums { shape, channels: channels.clone(), x, y: Some(x), centre: None };
        let total = T::dispatch(isa, sums);
        for (j, &sum) in total[0][..channels.len()].iter().enumerate() {
            // SAFETY: the caller's promise; every channel is written by one task.
            unsafe { *mean.add(first + j) = sum * scale };
        }
        let squares = Sums { shape, channels: channels.clone(), x, y: None, centre: Some(mean.cast_const()) };
        let total = T::dispatch(isa, squares);
        for (j, &sum) in total[1][..channels.len()].iter().enumerate() {
            // SAFETY: as above.
            unsafe { *var.add(first + j) = sum * scale };
        }
    });
}

/// What [`forward`] and [`backward`] normalise by, one value per channel.
#[derive(Clone, Copy, Debug)]
pub struct Norm<T> {
    /// Subtracted first.
    pub mean: *const T,
    /// The variance.
    pub var: *const T,
    /// Added to the variance.
    pub eps: T,
    /// A factor.
    pub weight: Option<*const T>,
    /// A summand.
    pub bias: Option<*const T>,
}

impl<T: Float> Norm<T> {
    /// `1 / √(var + eps)` of a channel.
    #[inline(always)]
    unsafe fn rstd(&self, channel: usize) -> T {
        // SAFETY: the caller's promise: there is such a channel.
        T::ONE / (unsafe { *self.var.add(channel) } + self.eps).sqrt()
    }

    /// The factor of `x - mean`.
    #[inline(always)]
    unsafe fn scale(&self, channel: usize) -> T {
        // SAFETY: as above.
        unsafe { self.rstd(channel) * self.weight.map_or(T::ONE, |weight| *weight.add(channel)) }
    }
}

/// What happens to a normalised value.
#[derive(Clone, Copy, Debug)]
pub struct Finish<T> {
    /// A tensor of the same shape that is added.
    pub residual: Option<*const T>,
    /// Whether `max(·, 0)` is taken last; NaN stays NaN.
    pub relu: bool,
}

impl<T> Finish<T> {
    /// Nothing.
    pub const NONE: Finish<T> = Finish { residual: None, relu: false };
}

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Vectored>(
    isa: Isa,
    shape: Shape,
    norm: &Norm<T>,
    finish: Finish<T>,
    x: *const T,
    y: *mut T,
) {
    let shared = Shared((*norm, finish, x, y));
    shape.for_each_channel(2, |channels| {
        let (norm, finish, x, y) = shared.get();
        let mut map = Affine::new(shape, channels.clone(), x, finish.residual, y);
        map.of_y = [T::ONE; COLUMNS];
        map.relu = finish.relu;
        for (j, channel) in channels.enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                map.centre[j] = *norm.mean.add(channel);
                map.of_x[j] = norm.scale(channel);
                map.plus[j] = norm.bias.map_or(T::ZERO, |bias| *bias.add(channel));
            }
        }
        T::dispatch(isa, map);
    });
}

/// What [`backward`] reads and writes; outputs that are `None` are not computed.
#[derive(Clone, Copy, Debug)]
pub struct Gradients<T> {
    /// The input of [`forward`].
    pub x: *const T,
    /// The gradient of its result.
    pub dy: *const T,
    /// Whether the statistics are those of `x`, and depend on it.
    pub training: bool,
    /// The gradient of the input: `scale·(dy - mean(dy) - u·mean(dy·u))` with `u = (x - mean)·rstd` and
    /// `scale = weight·rstd` in training, else `scale·dy`.
    pub dx: Option<*mut T>,
    /// The gradient of the weight: `Σ dy·u`.
    pub dweight: Option<*mut T>,
    /// The gradient of the bias: `Σ dy`.
    pub dbias: Option<*mut T>,
}

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Vectored>(isa: Isa, shape: Shape, norm: &Norm<T>, gradients: &Gradients<T>) {
    let shared = Shared((*norm, *gradients));
    shape.for_each_channel(4, |channels| {
        let (norm, Gradients { x, dy, training, dx, dweight, dbias }) = shared.get();
        let sums = Sums { shape, channels: channels.clone(), x, y: Some(dy), centre: Some(norm.mean) };
        let [level, along] = T::dispatch(isa, sums);
        let scale = T::ONE / T::of(shape.count() as f64);
        let out = dx.unwrap_or(std::ptr::null_mut());
        // Given statistics leave the input out of its gradient, also where it is not finite.
        let mut map = match training {
            true => Affine::new(shape, channels.clone(), x, Some(dy), out),
            false => Affine::new(shape, channels.clone(), dy, None, out),
        };
        for (j, channel) in channels.enumerate() {
            // SAFETY: the caller's promise; every channel is written by one task.
            unsafe {
                let (rstd, factor) = (norm.rstd(channel), norm.scale(channel));
                if let Some(dweight) = dweight {
                    *dweight.add(channel) = along[j] * rstd;
                }
                if let Some(dbias) = dbias {
                    *dbias.add(channel) = level[j];
                }
                if !training {
                    map.of_x[j] = factor;
                    continue;
                }
                map.centre[j] = *norm.mean.add(channel);
                map.of_x[j] = -(factor * rstd * rstd * along[j] * scale);
                map.of_y[j] = factor;
                map.plus[j] = -(factor * level[j] * scale);
            }
        }
        if dx.is_some() {
            T::dispatch(isa, map);
        }
    });
}

/// Per channel `Σ y` and `Σ y·(x - centre)`; without `y`, the second is `Σ (x - centre)²`.
struct Sums<T> {
    shape: Shape,
    channels: Range<usize>,
    x: *const T,
    y: Option<*const T>,
    centre: Option<*const T>,
}

impl<T: Float> VectorKernel<T> for Sums<T> {
    type Output = [[T; COLUMNS]; 2];

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) -> [[T; COLUMNS]; 2] {
        let mut centre = [T::ZERO; COLUMNS];
        if let Some(centres) = self.centre {
            for (j, channel) in self.channels.clone().enumerate() {
                // SAFETY: the callers' promise: there is a centre per channel.
                centre[j] = unsafe { *centres.add(channel) };
            }
        }
        // SAFETY: the callers' promise.
        unsafe { if self.shape.inner == 1 { self.columns(&centre) } else { self.segments::<V>(centre[0]) } }
    }
}

impl<T: Float> Sums<T> {
    /// One channel, a contiguous segment per sample.
    #[inline(always)]
    unsafe fn segments<V: Vector<Elem = T>>(&self, centre: T) -> [[T; COLUMNS]; 2] {
        let Shape { batch, channels, inner } = self.shape;
        let squares = self.y.is_none();
        let values = self.y.unwrap_or(self.x);
        let mut total = [[T::ZERO; COLUMNS]; 2];
        for n in 0..batch {
            let start = (n * channels + self.channels.start) * inner;
            // SAFETY: the caller's promise.
            unsafe {
                let (x, y) = (self.x.add(start), values.add(start));
                let distance = |i: usize| V::load(x.add(i)).sub(V::splat(centre));
                if squares {
                    let square = |v: V| v.mul(v);
                    let rest = |i: usize| (*x.add(i) - centre) * (*x.add(i) - centre);
                    total[1][0] = total[1][0] + sum_of::<V>(inner, |i| square(distance(i)), rest);
                    continue;
                }
                total[0][0] = total[0][0] + sum_of::<V>(inner, |i| V::load(y.add(i)), |i| *y.add(i));
                if self.centre.is_some() {
                    let rest = |i: usize| *y.add(i) * (*x.add(i) - centre);
                    total[1][0] =
                        total[1][0] + sum_of::<V>(inner, |i| distance(i).mul(V::load(y.add(i))), rest);
                }
            }
        }
        total
    }

    /// Up to 64 channels side by side, a row per sample.
    #[inline(always)]
    unsafe fn columns(&self, centre: &[T; COLUMNS]) -> [[T; COLUMNS]; 2] {
        let squares = self.y.is_none();
        let values = self.y.unwrap_or(self.x);
        let width = self.channels.len();
        let mut total = [[T::ZERO; COLUMNS]; 2];
        for first in (0..self.shape.batch).step_by(ROWS) {
            let mut part = [[T::ZERO; COLUMNS]; 2];
            for n in first..self.shape.batch.min(first + ROWS) {
                let start = n * self.shape.channels + self.channels.start;
                // SAFETY: the caller's promise.
                let (x, y) = unsafe {
                    (
                        std::slice::from_raw_parts(self.x.add(start), width),
                        std::slice::from_raw_parts(values.add(start), width),
                    )
                };
                for (j, (&x, &y)) in x.iter().zip(y).enumerate() {
                    let distance = x - centre[j];
                    part[0][j] = part[0][j] + y;
                    part[1][j] = part[1][j] + distance * if squares { distance } else { y };
                }
            }
            for (total, part) in total.iter_mut().flatten().zip(part.iter().flatten()) {
                *total = *total + *part;
            }
        }
        total
    }
}

/// Per channel `out = (x - centre)·of_x + y·of_y + plus`, then ReLU where that is wanted.
struct Affine<T> {
    shape: Shape,
    channels: Range<usize>,
    x: *const T,
    /// None: no such term.
    y: Option<*const T>,
    out: *mut T,
    centre: [T; COLUMNS],
    of_x: [T; COLUMNS],
    of_y: [T; COLUMNS],
    plus: [T; COLUMNS],
    /// Whether `max(·, 0)` is taken last.
    relu: bool,
}

impl<T: Float> Affine<T> {
    fn new(shape: Shape, channels: Range<usize>, x: *const T, y: Option<*const T>, out: *mut T) -> Affine<T> {
        let zero = [T::ZERO; COLUMNS];
        Affine { shape, channels, x, y, out, centre: zero, of_x: zero, of_y: zero, plus: zero, relu: false }
    }
}

impl<T: Float> VectorKernel<T> for Affine<T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        match (self.y, self.relu) {
            (None, false) => self.map::<FMA, false, false>(),
            (None, true) => self.map::<FMA, false, true>(),
            (Some(_), false) => self.map::<FMA, true, false>(),
            (Some(_), true) => self.map::<FMA, true, true>(),
        }
    }
}

impl<T: Float> Affine<T> {
    #[inline(always)]
    fn map<const FMA: bool, const TWO: bool, const RELU: bool>(&self) {
        let Shape { batch, channels, inner } = self.shape;
        let second = self.y.unwrap_or(self.x);
        let factors = |j: usize| [self.centre[j], self.of_x[j], self.of_y[j], self.plus[j]];
        let value = |[centre, of_x, of_y, plus]: [T; 4], x: T, y: T| {
            let mut value = (x - centre).mul_add::<FMA>(of_x, plus);
            if TWO {
                value = y.mul_add::<FMA>(of_y, value);
            }
            if RELU && value < T::ZERO { T::ZERO } else { value }
        };
        for n in 0..batch {
            let start = (n * channels + self.channels.start) * inner;
            let (x, y, out) =
                (self.x.wrapping_add(start), second.wrapping_add(start), self.out.wrapping_add(start));
            // SAFETY: the callers' promise.
            unsafe {
                if inner == 1 {
                    for j in 0..self.channels.len() {
                        *out.add(j) = value(factors(j), *x.add(j), *y.add(j));
                    }
                } else {
                    let factors = factors(0);
                    for i in 0..inner {
                        *out.add(i) = value(factors, *x.add(i), *y.add(i));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
