//! Normalisation of groups of channels, and its gradients.
//!
//! `y = (x - mean) / √(var + eps) · weight + bias` with mean and variance over the channels and positions of a group, and weight and
//! bias per channel (Wu and He, 2018). A thread has whole groups, whose elements are contiguous.

use std::ops::Range;

use super::layer_norm::{along_units, moments};
use super::parallel::{self, Shared};
use super::vector::{Vector, VectorKernel, sum_of};
use super::{Float, Isa, Vectored, scratch};

/// What is normalised: `[batch, channels, positions]`.
#[derive(Clone, Copy, Debug)]
pub struct Norm<T> {
    /// How many samples.
    pub batch: usize,
    /// The channels of a sample.
    pub channels: usize,
    /// The elements of a channel.
    pub positions: usize,
    /// Into how many groups channels are cut, which divides them.
    pub groups: usize,
    /// Added to the variance.
    pub eps: T,
    /// A factor per channel.
    pub weight: Option<*const T>,
    /// A summand per channel.
    pub bias: Option<*const T>,
}

/// What [`backward`] reads and writes; outputs that are `None` are not computed.
#[derive(Clone, Copy, Debug)]
pub struct Gradients<T> {
    /// The input.
    pub x: *const T,
    /// The gradient of the result.
    pub dy: *const T,
    /// The mean of each group, as [`forward`] kept it.
    pub mean: *const T,
    /// `1/√(var + eps)` of each group.
    pub rstd: *const T,
    /// The gradient of the input.
    pub dx: Option<*mut T>,
    /// The gradient of the weight.
    pub dweight: Option<*mut T>,
    /// The gradient of the bias.
    pub dbias: Option<*mut T>,
}

impl<T: Float> Norm<T> {
    /// Calls `f` with ranges of all groups of all samples.
    fn run(&self, f: impl Fn(Range<usize>) + Sync) {
        let grain = (parallel::GRAIN / (4 * self.group() * self.positions).max(1)).max(1);
        parallel::for_each_chunk(self.batch * self.groups, grain, f);
    }

    /// The channels of a group.
    fn group(&self) -> usize {
        self.channels / self.groups
    }

    /// The channels of group `at`, counted through the samples.
    fn channels_of(&self, at: usize) -> Range<usize> {
        let first = at % self.groups * self.group();
        first..first + self.group()
    }

    /// # Safety
    /// The channel is one.
    unsafe fn weight(&self, channel: usize) -> T {
        // SAFETY: the caller's promise.
        self.weight.map_or(T::ONE, |weight| unsafe { *weight.add(channel) })
    }
}

entry_points! {
    trait Entry<T> {
        /// Normalises; `kept` takes mean and `1/√(var + eps)` of each group for [`backward`].
        ///
        /// # Safety
        /// The pointers cover what [`Norm`] describes; the outputs may be uninitialised and overlap nothing.
        pub unsafe fn forward(isa: Isa, norm: &Norm<T>, x: *const T, y: *mut T, kept: Option<(*mut T, *mut T)>) = forward_of;
        /// The gradients of [`forward`].
        ///
        /// # Safety
        /// As for [`forward`]; the gradients have the shapes of what they are the gradients of.
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
    norm.run(|groups| {
        let (x, y, kept, norm) = shared.get();
        T::dispatch(isa, Forward { norm, x, y, kept, groups });
    });
}

struct Forward<T> {
    norm: Norm<T>,
    x: *const T,
    y: *mut T,
    kept: Option<(*mut T, *mut T)>,
    groups: Range<usize>,
}

impl<T: Float> VectorKernel<T> for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let norm = self.norm;
        let (positions, len) = (norm.positions, norm.group() * norm.positions);
        for at in self.groups.clone() {
            let (x, y) = (self.x.wrapping_add(at * len), self.y.wrapping_add(at * len));
            // SAFETY: the promise of the callers of `forward`.
            unsafe {
                let (mean, rstd) = moments::<V>(len, x, norm.eps, true);
                if let Some((means, rstds)) = self.kept {
                    *means.add(at) = mean;
                    *rstds.add(at) = rstd;
                }
                for (plane, channel) in norm.channels_of(at).enumerate() {
                    let (x, y) = (x.add(plane * positions), y.add(plane * positions));
                    let factor = rstd * norm.weight(channel);
                    let summand = norm.bias.map_or(T::ZERO, |bias| *bias.add(channel));
                    for i in 0..positions {
                        *y.add(i) = (*x.add(i) - mean).mul_add::<FMA>(factor, summand);
                    }
                }
            }
        }
    }
}

/// [`backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn backward_of<T: Vectored>(isa: Isa, norm: &Norm<T>, gradients: &Gradients<T>) {
    let count = norm.batch * norm.channels;
    scratch::with(2 * count, |sums: *mut T| {
        let shared = Shared((*gradients, sums, *norm));
        norm.run(|groups| {
            let (gradients, sums, norm) = shared.get();
            T::dispatch(isa, Backward { norm, gradients, sums, groups });
        });
        for (target, sums) in [(gradients.dbias, sums), (gradients.dweight, sums.wrapping_add(count))] {
            let Some(target) = target else { continue };
            for channel in 0..norm.channels {
                let of = |sample: usize| {
                    // SAFETY: every channel of every sample has left its sums.
                    unsafe { *sums.add(sample * norm.channels + channel) }
                };
                let sum = (0..norm.batch).map(of).fold(T::ZERO, |sum, part| sum + part);
                // SAFETY: the caller's promise.
                unsafe { *target.add(channel) = sum };
            }
        }
    });
}

struct Backward<T> {
    norm: Norm<T>,
    gradients: Gradients<T>,
    /// Of each channel of each sample, the sum of the gradients, then that of their products with the normalised values.
    sums: *mut T,
    groups: Range<usize>,
}

impl<T: Float> VectorKernel<T> for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let (norm, all) = (self.norm, self.gradients);
        let (positions, len) = (norm.positions, norm.group() * norm.positions);
        let per_group = T::ONE / T::of(len as f64);
        for at in self.groups.clone() {
            let (x, dy) = (all.x.wrapping_add(at * len), all.dy.wrapping_add(at * len));
            // SAFETY: the promise of the callers of `backward`; groups are disjoint.
            unsafe {
                let (mean, rstd) = (*all.mean.add(at), *all.rstd.add(at));
                let (mut plain, mut weighted) = (T::ZERO, T::ZERO);
                for (plane, channel) in norm.channels_of(at).enumerate() {
                    let (x, dy) = (x.add(plane * positions), dy.add(plane * positions));
                    let (vector, scalar) = (|i: usize| V::load(dy.add(i)), |i: usize| *dy.add(i));
                    let sum = sum_of::<V>(positions, vector, scalar);
                    let product = along_units(positions, x, (mean, rstd), vector, scalar);
                    let place = self.sums.add(at / norm.groups * norm.channels + channel);
                    *place = sum;
                    *place.add(norm.batch * norm.channels) = product;
                    plain = plain + norm.weight(channel) * sum;
                    weighted = weighted + norm.weight(channel) * product;
                }
                let Some(dx) = all.dx else { continue };
                let (summand, slope) = (plain * per_group * rstd, weighted * per_group * rstd * rstd);
                for (plane, channel) in norm.channels_of(at).enumerate() {
                    let first = plane * positions;
                    let (x, dy, dx) = (x.add(first), dy.add(first), dx.add(at * len + first));
                    let factor = norm.weight(channel) * rstd;
                    for i in 0..positions {
                        *dx.add(i) = *dy.add(i) * factor - (*x.add(i) - mean) * slope - summand;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Value and gradients in double precision, by the definition.
    fn naive(norm: &Norm<f32>, x: &[f32], dy: &[f32], [w, b]: [&[f32]; 2]) -> [Vec<f64>; 4] {
        let (channels, positions) = (norm.channels, norm.positions);
        let len = channels / norm.groups * positions;
        let mut all = [vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; channels], vec![0.0; channels]];
        for group in 0..norm.batch * norm.groups {
            let range = group * len..(group + 1) * len;
            let mean = x[range.clone()].iter().map(|&x| f64::from(x)).sum::<f64>() / len as f64;
            let square = |x: &f32| (f64::from(*x) - mean).powi(2);
            let var = x[range.clone()].iter().map(square).sum::<f64>() / len as f64;
            let rstd = 1.0 / (var + f64::from(norm.eps)).sqrt();
            let channel = |i: usize| i / positions % channels;
            let normal = |i: usize| (f64::from(x[i]) - mean) * rstd;
            let slope = |i: usize| f64::from(dy[i]) * f64::from(w[channel(i)]);
            let sums = range.clone().fold((0.0, 0.0), |(a, b), i| (a + slope(i), b + slope(i) * normal(i)));
            for i in range {
                all[0][i] = normal(i) * f64::from(w[channel(i)]) + f64::from(b[channel(i)]);
                all[1][i] = rstd * (slope(i) - sums.0 / len as f64 - normal(i) * sums.1 / len as f64);
                all[2][channel(i)] += f64::from(dy[i]) * normal(i);
                all[3][channel(i)] += f64::from(dy[i]);
            }
        }
        all
    }

    #[test]
    fn value_and_gradients_are_those_of_the_definition() {
        let values =
            |n: usize, k: f64| (0..n).map(|i| (i as f64 * k).sin() as f32 + 0.25).collect::<Vec<f32>>();
        for (batch, channels, positions, groups) in
            [(2, 6, 1, 2), (3, 4, 50, 4), (2, 8, 37, 1), (5, 12, 400, 3)]
        {
            let n = batch * channels * positions;
            let (x, dy) = (values(n, 0.7), values(n, 1.3));
            let (w, b) = (values(channels, 2.1), values(channels, 0.3));
            let (weight, bias) = (Some(w.as_ptr()), Some(b.as_ptr()));
            let norm = Norm { batch, channels, positions, groups, eps: 1e-5, weight, bias };
            let expected = naive(&norm, &x, &dy, [&w, &b]);
            for isa in Isa::available() {
                let mut found = [
                    vec![f32::NAN; n],
                    vec![f32::NAN; n],
                    vec![f32::NAN; channels],
                    vec![f32::NAN; channels],
                ];
                let mut kept = [vec![0.0f32; batch * groups], vec![0.0f32; batch * groups]];
                let places = found.each_mut().map(|values| values.as_mut_ptr());
                let [mean, rstd] = kept.each_mut().map(|values| values.as_mut_ptr());
                let gradients = Gradients {
                    x: x.as_ptr(),
                    dy: dy.as_ptr(),
                    mean,
                    rstd,
                    dx: Some(places[1]),
                    dweight: Some(places[2]),
                    dbias: Some(places[3]),
                };
                // SAFETY: vectors of these sizes.
                unsafe {
                    forward(isa, &norm, x.as_ptr(), places[0], Some((mean, rstd)));
                    backward(isa, &norm, &gradients);
                }
                for (found, expected) in found.iter().zip(&expected) {
                    let size = expected.iter().fold(1.0f64, |most, x| most.max(x.abs()));
                    for (a, b) in found.iter().zip(expected) {
                        assert!(
                            (f64::from(*a) - b).abs() <= 2e-5 * size,
                            "{isa:?} {channels}: {a}, exactly {b}"
                        );
                    }
                }
            }
        }
    }
}
