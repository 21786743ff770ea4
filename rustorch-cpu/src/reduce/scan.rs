//! Running sums and their like.

use num_complex::Complex;

use super::for_each_group;
use super::plan::{Axis, Odometer, Plan, count};
use super::prefix::{self, WholeVectors};
use crate::parallel::Shared;
use crate::{bf16, f16};

/// Elements worth a second thread.
const GRAIN: usize = 1 << 15;
/// Lines that run side by side where their elements are neighbours.
const LINES: usize = 32;
/// Lines that run side by side where each is contiguous: enough to hide the latency of an addition, and few enough for the
/// cache to hold all of them when they lie a power of two apart.
const ROWS: usize = 4;

/// A running accumulation.
pub trait Scan<T: Copy>: 'static {
    /// What is carried from element to element.
    type Acc: Copy;
    /// The type of the results.
    type Out: Copy;
    /// Before the first element.
    const START: Self::Acc;
    /// How the first elements of a contiguous line are accumulated by vectors, if they can be.
    const VECTORS: Option<WholeVectors<T, Self::Out, Self::Acc>> = None;
    /// Takes in an element.
    fn step(acc: Self::Acc, value: T) -> Self::Acc;
    /// The result at an element.
    fn out(acc: Self::Acc) -> Self::Out;
    /// [`scan`], compiled in this crate.
    ///
    /// # Safety
    /// As there.
    unsafe fn scan(axis: Axis, kept: &[Axis], reverse: bool, input: *const u8, output: *mut u8);
}

/// `yᵢ = x₀ + … + xᵢ`
pub struct CumulativeSum;
/// `yᵢ = x₀ · … · xᵢ`
pub struct CumulativeProduct;
/// `yᵢ = log(exp x₀ + … + exp xᵢ)`
pub struct LogCumulativeSumExp;

macro_rules! scan_impl {
    ($scan:ident, $t:ty, $acc:ty, $out:ty, $start:expr, |$a:ident, $x:ident| $step:expr, $finish:expr
        $(, vectors $vectors:expr)?) => {
        impl Scan<$t> for $scan {
            type Acc = $acc;
            type Out = $out;
            const START: $acc = $start;
            $(const VECTORS: Option<WholeVectors<$t, $out, $acc>> = $vectors;)?
            #[inline(always)]
            fn step($a: $acc, $x: $t) -> $acc {
                $step
            }
            #[inline(always)]
            fn out(acc: $acc) -> $out {
                let finish: fn($acc) -> $out = $finish;
                finish(acc)
            }
            unsafe fn scan(axis: Axis, kept: &[Axis], reverse: bool, input: *const u8, output: *mut u8) {
                // SAFETY: the caller's promise.
                unsafe { scan_of::<$scan, $t>(axis, kept, reverse, input, output) };
            }
        }
    };
}

macro_rules! float_scans {
    ($($t:ty: $up:expr, $down:expr, $sums:expr;)*) => {$(
        scan_impl!(CumulativeSum, $t, f64, $t, 0.0, |acc, x| acc + $up(x), $down, vectors $sums);
        scan_impl!(CumulativeProduct, $t, f64, $t, 1.0, |acc, x| acc * $up(x), $down);
        scan_impl!(LogCumulativeSumExp, $t, f64, $t, f64::NEG_INFINITY, |acc, x| log_add_exp(acc, $up(x)), $down);
    )*};
}

float_scans! {
    f32: |x: f32| x as f64, |v| v as f32, Some(prefix::sums_f32);
    f64: |x: f64| x, |v| v, Some(prefix::sums_f64);
    f16: |x: f16| x.to_f64(), f16::from_f64, None;
    bf16: |x: bf16| x.to_f64(), bf16::from_f64, None;
}

macro_rules! integer_scans {
    ($($t:ty),*) => {$(
        scan_impl!(CumulativeSum, $t, i64, i64, 0, |acc, x| acc.wrapping_add(x as i64), |v| v);
        scan_impl!(CumulativeProduct, $t, i64, i64, 1, |acc, x| acc.wrapping_mul(x as i64), |v| v);
    )*};
}

integer_scans!(u8, i8, i16, i32, i64);

macro_rules! complex_scans {
    ($($t:ty),*) => {$(
        scan_impl!(CumulativeSum, Complex<$t>, Complex<f64>, Complex<$t>, Complex { re: 0.0, im: 0.0 },
            |acc, x| acc + Complex::new(x.re as f64, x.im as f64), |v| Complex::new(v.re as $t, v.im as $t));
        scan_impl!(CumulativeProduct, Complex<$t>, Complex<f64>, Complex<$t>, Complex { re: 1.0, im: 0.0 },
            |acc, x| acc * Complex::new(x.re as f64, x.im as f64), |v| Complex::new(v.re as $t, v.im as $t));
    )*};
}

complex_scans!(f32, f64);

fn log_add_exp(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b || a.is_nan() { (a, b) } else { (b, a) };
    // Equal infinities have no difference.
    if high.is_infinite() || low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// Accumulates along `axis`, from its end if `reverse`, for every position of the axes `kept`.
///
/// # Safety
/// `input` must be readable and `output` writable at all offsets of the axes, the latter by this call alone.
#[inline]
pub unsafe fn scan<S: Scan<T>, T: Copy>(
    axis: Axis,
    kept: &[Axis],
    reverse: bool,
    input: *const u8,
    output: *mut u8,
) {
    // SAFETY: the caller's promise.
    unsafe { S::scan(axis, kept, reverse, input, output) };
}

/// [`scan`] of one kind and type.
///
/// # Safety
/// As there.
unsafe fn scan_of<S: Scan<T>, T: Copy>(
    axis: Axis,
    kept: &[Axis],
    reverse: bool,
    input: *const u8,
    output: *mut u8,
) {
    let (input, output) = (Shared(input.cast::<T>()), Shared(output.cast::<S::Out>()));
    let contiguous = axis.input == 1 && axis.output == 1;
    if let (true, Some(vectors)) = (contiguous, S::VECTORS) {
        return for_each_group(count(kept), (GRAIN / axis.size.max(1)).max(1), |range| {
            let mut at = Odometer::new(kept, range.start);
            for _ in range {
                let (from, to) = (input.get().wrapping_add(at.input), output.get().wrapping_add(at.output));
                // SAFETY: the caller's promise; lines are disjoint.
                unsafe { line::<S, T>(vectors, from, to, axis.size, reverse) };
                at.advance();
            }
        });
    }
    let width = if contiguous { ROWS } else { LINES };
    let (inner, outer) = match kept.split_last() {
        Some((&inner, outer)) => (inner, outer),
        None => (Axis { size: 1, input: 0, output: 0 }, kept),
    };
    let groups = inner.size.div_ceil(width);
    let work = axis.size.max(1) * inner.size.clamp(1, width);
    for_each_group(count(outer) * groups, (GRAIN / work).max(1), |range| {
        for task in range {
            let at = Odometer::new(outer, task / groups);
            let first = task % groups * width;
            let lines = Lines::<S, T> {
                input: input.get().wrapping_add(at.input + first * inner.input),
                output: output.get().wrapping_add(at.output + first * inner.output),
                along: axis,
                across: Axis { size: width.min(inner.size - first), ..inner },
                reverse,
            };
            // SAFETY: the caller's promise; groups are disjoint.
            unsafe { lines.run() };
        }
    });
}

/// One contiguous line: whole vectors, and what is left of it.
unsafe fn line<S: Scan<T>, T: Copy>(
    vectors: WholeVectors<T, S::Out, S::Acc>,
    from: *const T,
    to: *mut S::Out,
    n: usize,
    reverse: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (done, acc) = vectors(from, to, n, reverse);
        let mut acc = if done == 0 { S::START } else { acc };
        for step in done..n {
            let at = if reverse { n - 1 - step } else { step };
            acc = S::step(acc, from.add(at).read());
            to.add(at).write(S::out(acc));
        }
    }
}

/// Lines side by side, of which `across` tells the number and distances.
struct Lines<S: Scan<T>, T: Copy> {
    input: *const T,
    output: *mut S::Out,
    along: Axis,
    across: Axis,
    reverse: bool,
}

impl<S: Scan<T>, T: Copy> Lines<S, T> {
    unsafe fn run(self) {
        let Self { along, across, .. } = self;
        let mut accs = [S::START; LINES];
        let neighbours = across.size == LINES && across.input == 1 && across.output == 1;
        for step in 0..along.size {
            let i = if self.reverse { along.size - 1 - step } else { step };
            let from = self.input.wrapping_add(i * along.input);
            let to = self.output.wrapping_add(i * along.output);
            // SAFETY: the caller's promise.
            unsafe {
                if neighbours {
                    for (line, acc) in accs.iter_mut().enumerate() {
                        *acc = S::step(*acc, from.add(line).read());
                        to.add(line).write(S::out(*acc));
                    }
                } else {
                    for (line, acc) in accs[..across.size].iter_mut().enumerate() {
                        *acc = S::step(*acc, from.add(line * across.input).read());
                        to.add(line * across.output).write(S::out(*acc));
                    }
                }
            }
        }
    }
}

impl Plan {
    /// The axes of a scan: the one it runs along, and the others, in the order of memory. Results lie row-major.
    pub fn scan_axes(shape: &[usize], strides: &[usize], axis: usize) -> (Axis, super::plan::Axes) {
        let mut output = 1;
        let mut axes: super::plan::Axes = super::plan::Axes::new();
        for (&size, &input) in shape.iter().zip(strides).rev() {
            axes.push(Axis { size, input, output });
            output *= size;
        }
        axes.reverse();
        let along = axes.remove(axis);
        axes.sort_by_key(|axis| std::cmp::Reverse(axis.input));
        (along, axes)
    }
}
