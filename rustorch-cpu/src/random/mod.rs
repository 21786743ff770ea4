//! Random numbers into slices: element `i` is a function of the stream and of `i` alone.

mod philox;

use std::mem::MaybeUninit;

pub use philox::Stream;

use super::math::{cos_f32, cos_f64, log_f32, log_f64, sin_f32, sin_f64};
use super::{Kernel, isa, parallel};

/// Elements per piece of parallel work: a multiple of what a block of words gives, in every distribution.
const GRAIN: usize = 1 << 15;
/// Blocks computed at once: one AVX-512 register of words.
const WIDTH: usize = 16;

/// A rule that turns the four words of a block into `N` elements.
pub trait Distribution<const N: usize>: Sync {
    /// The element.
    type Item: Copy + Send;

    /// The elements of a block. `FMA` says whether the code around has fused multiply-add.
    fn draw<const FMA: bool>(&self, words: [u32; 4]) -> [Self::Item; N];
}

/// `low + span · u` with `u` uniform in `[0, 1)`, of as many bits as the element's type can hold: 24 for `f32`.
#[derive(Debug, Clone, Copy)]
pub struct UniformF32 {
    /// The least value.
    pub low: f32,
    /// The distance to the bound above.
    pub span: f32,
    /// Random bits: at most 24; 11 for values that become `f16` and 8 for `bf16`, so that none rounds up to the bound.
    pub bits: u32,
}

/// `low + span · u` with `u` uniform in `[0, 1)`, of 53 bits.
#[derive(Debug, Clone, Copy)]
pub struct UniformF64 {
    /// The least value.
    pub low: f64,
    /// The distance to the bound above.
    pub span: f64,
}

/// The normal distribution, by the method of Box and Muller (1958).
#[derive(Debug, Clone, Copy)]
pub struct Normal<T> {
    /// The mean.
    pub mean: T,
    /// The standard deviation.
    pub std: T,
}

/// The integers from `low` up to but without `low + span`; all 64-bit integers for a span of 0.
#[derive(Debug, Clone, Copy)]
pub struct Integers {
    /// The least value.
    pub low: i64,
    /// How many values there are.
    pub span: u64,
}

/// `true` with a probability.
#[derive(Debug, Clone, Copy)]
pub struct Bernoulli {
    /// The probability, from 0 to 1.
    pub probability: f64,
}

/// A function of a uniform number in `(0, 1)`.
#[derive(Debug, Clone, Copy)]
pub struct Mapped<F>(pub F);

/// The word as a number in `(0, 1]`.
#[inline(always)]
fn positive_f32(word: u32) -> f32 {
    word as f32 * 2.0f32.powi(-32) + 2.0f32.powi(-33)
}

/// Two words as a number in `(0, 1)`.
#[inline(always)]
fn open_f64(high: u32, low: u32) -> f64 {
    (((u64::from(high) << 32 | u64::from(low)) >> 12) as f64 + 0.5) * 2.0f64.powi(-52)
}

impl Distribution<4> for UniformF32 {
    type Item = f32;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, words: [u32; 4]) -> [f32; 4] {
        let (shift, unit) = (32 - self.bits, 2.0f32.powi(-(self.bits as i32)) * self.span);
        words.map(|word| (word >> shift) as f32 * unit + self.low)
    }
}

impl Distribution<2> for UniformF64 {
    type Item = f64;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, [a, b, c, d]: [u32; 4]) -> [f64; 2] {
        let unit = 2.0f64.powi(-53) * self.span;
        [(a, b), (c, d)]
            .map(|(high, low)| ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 * unit + self.low)
    }
}

impl Distribution<4> for Normal<f32> {
    type Item = f32;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, [a, b, c, d]: [u32; 4]) -> [f32; 4] {
        let pair = |radius: u32, angle: u32| {
            let radius = (-2.0 * log_f32::<FMA>(positive_f32(radius))).sqrt() * self.std;
            let angle = angle as f32 * (std::f32::consts::TAU * 2.0f32.powi(-32));
            (radius * cos_f32::<FMA>(angle) + self.mean, radius * sin_f32::<FMA>(angle) + self.mean)
        };
        let ((w, x), (y, z)) = (pair(a, b), pair(c, d));
        [w, x, y, z]
    }
}

impl Distribution<2> for Normal<f64> {
    type Item = f64;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, [a, b, c, d]: [u32; 4]) -> [f64; 2] {
        let radius = (-2.0 * log_f64::<FMA>(open_f64(a, b))).sqrt() * self.std;
        let angle = open_f64(c, d) * std::f64::consts::TAU;
        [radius * cos_f64::<FMA>(angle) + self.mean, radius * sin_f64::<FMA>(angle) + self.mean]
    }
}

impl Distribution<2> for Integers {
    type Item = i64;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, [a, b, c, d]: [u32; 4]) -> [i64; 2] {
        [(a, b), (c, d)].map(|(high, low)| {
            let word = u64::from(high) << 32 | u64::from(low);
            // The high half of the product is uniform up to a bias below `span / 2⁶⁴`.
            let steps =
                if self.span == 0 { word } else { ((u128::from(word) * u128::from(self.span)) >> 64) as u64 };
            self.low.wrapping_add(steps as i64)
        })
    }
}

impl Distribution<4> for Bernoulli {
    type Item = bool;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, words: [u32; 4]) -> [bool; 4] {
        // As many words lie below the threshold as the probability says; at 1 all do.
        let threshold = (self.probability * 2.0f64.powi(32)).round() as u64;
        words.map(|word| u64::from(word) < threshold)
    }
}

/// A factor with a probability, otherwise 0.
struct Kept {
    mask: Bernoulli,
    factor: f32,
}

impl Distribution<4> for Kept {
    type Item = f32;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, words: [u32; 4]) -> [f32; 4] {
        self.mask.draw::<FMA>(words).map(|kept| if kept { self.factor } else { 0.0 })
    }
}

impl<F: Fn(f64) -> f64 + Sync> Distribution<2> for Mapped<F> {
    type Item = f64;

    #[inline(always)]
    fn draw<const FMA: bool>(&self, [a, b, c, d]: [u32; 4]) -> [f64; 2] {
        [self.0(open_f64(a, b)), self.0(open_f64(c, d))]
    }
}

/// Writes elements `start .. start + out.len()` of a stream, in parallel.
pub fn fill<D: Distribution<N>, const N: usize>(
    stream: Stream,
    start: usize,
    distribution: &D,
    out: &mut [MaybeUninit<D::Item>],
) {
    let target = parallel::Shared(out.as_mut_ptr());
    parallel::for_each_chunk(out.len(), GRAIN, |range| {
        // SAFETY: the pieces are disjoint parts of `out`, which is borrowed for as long as this runs.
        let piece = unsafe { std::slice::from_raw_parts_mut(target.get().add(range.start), range.len()) };
        fill_piece(stream, start + range.start, distribution, piece);
    });
}

/// What dropout multiplies elements `start ..` by: `1 / keep` with the probability `keep`, otherwise 0. A fused kernel may ask
/// for its part by `start`, in the forward pass and, with the same stream, again in the backward pass.
pub fn dropout_factors(stream: Stream, start: usize, keep: f64, out: &mut [MaybeUninit<f32>]) {
    fill_piece(
        stream,
        start,
        &Kept { mask: Bernoulli { probability: keep }, factor: (1.0 / keep) as f32 },
        out,
    );
}

fn fill_piece<D: Distribution<N>, const N: usize>(
    stream: Stream,
    start: usize,
    distribution: &D,
    out: &mut [MaybeUninit<D::Item>],
) {
    isa().run(Piece::<D, N> { stream, start, distribution, out });
}

/// [`blocks`] as code to be compiled for each instruction set.
struct Piece<'a, D: Distribution<N>, const N: usize> {
    stream: Stream,
    start: usize,
    distribution: &'a D,
    out: &'a mut [MaybeUninit<D::Item>],
}

impl<D: Distribution<N>, const N: usize> Kernel for Piece<'_, D, N> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        blocks::<D, N, FMA>(self.stream, self.start, self.distribution, self.out);
    }
}

#[inline(always)]
fn blocks<D: Distribution<N>, const N: usize, const FMA: bool>(
    stream: Stream,
    start: usize,
    distribution: &D,
    mut out: &mut [MaybeUninit<D::Item>],
) {
    let mut block = (start / N) as u64;
    let skipped = start % N;
    if skipped > 0 {
        let values = distribution.draw::<FMA>(stream.block(block));
        let (head, rest) = out.split_at_mut((N - skipped).min(out.len()));
        write(head, &values[skipped..]);
        (out, block) = (rest, block + 1);
    }
    let mut batches = out.chunks_exact_mut(N * WIDTH);
    for batch in &mut batches {
        let words = stream.blocks::<WIDTH>(block);
        for (lane, elements) in batch.chunks_exact_mut(N).enumerate() {
            let values =
                distribution.draw::<FMA>([words[0][lane], words[1][lane], words[2][lane], words[3][lane]]);
            write(elements, &values);
        }
        block += WIDTH as u64;
    }
    for elements in batches.into_remainder().chunks_mut(N) {
        write(elements, &distribution.draw::<FMA>(stream.block(block)));
        block += 1;
    }
}

#[inline(always)]
fn write<T: Copy>(out: &mut [MaybeUninit<T>], values: &[T]) {
    for (slot, value) in out.iter_mut().zip(values) {
        slot.write(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect<D: Distribution<N>, const N: usize>(
        start: usize,
        len: usize,
        distribution: &D,
    ) -> Vec<D::Item> {
        let mut out = vec![MaybeUninit::uninit(); len];
        fill(Stream { seed: 7, offset: 3 }, start, distribution, &mut out);
        // SAFETY: `fill` has written every element.
        out.into_iter().map(|element| unsafe { element.assume_init() }).collect()
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn any_part_of_a_stream_is_the_same() {
        let normal = Normal { mean: 0.0f32, std: 1.0 };
        let all = collect(0, 3 * GRAIN + 5, &normal);
        for (start, len) in [(0, 1), (1, 2), (3, 130), (GRAIN - 1, 7), (62, 2 * GRAIN)] {
            assert_eq!(collect(start, len, &normal), all[start..start + len], "{len} from {start}");
        }
        let integers = Integers { low: -5, span: 11 };
        assert_eq!(collect(33, 70, &integers), collect(0, 103, &integers)[33..]);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let n = 1 << 18;
        let single: Vec<f64> =
            collect(0, n, &Normal { mean: 1.0f32, std: 2.0 }).into_iter().map(f64::from).collect();
        let double = collect(0, n, &Normal { mean: 1.0f64, std: 2.0 });
        for values in [single, double] {
            let (mean, variance) = moments(&values);
            assert!((mean - 1.0).abs() < 0.02 && (variance - 4.0).abs() < 0.05, "{mean} {variance}");
        }
        let uniform = collect(0, n, &UniformF64 { low: -1.0, span: 2.0 });
        let (mean, variance) = moments(&uniform);
        assert!(mean.abs() < 0.01 && (variance - 1.0 / 3.0).abs() < 0.01, "{mean} {variance}");
        assert!(uniform.iter().all(|x| (-1.0..1.0).contains(x)));
        let kept = collect(0, n, &Bernoulli { probability: 0.3 }).into_iter().filter(|&kept| kept).count();
        assert!((kept as f64 / n as f64 - 0.3).abs() < 0.005);
        assert!(collect(0, n, &Bernoulli { probability: 1.0 }).into_iter().all(|kept| kept));
        assert!(!collect(0, n, &Bernoulli { probability: 0.0 }).into_iter().any(|kept| kept));
        let dice = collect(0, n, &Integers { low: 1, span: 6 });
        for face in 1..=6 {
            let share = dice.iter().filter(|&&x| x == face).count() as f64 / n as f64;
            assert!((share - 1.0 / 6.0).abs() < 0.005, "{face}: {share}");
        }
    }
}
