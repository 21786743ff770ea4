//! What is accumulated, and in which types.

use num_complex::Complex;

use super::loops::{FoldedAs, Loops};
use crate::{bf16, f16};

/// An accumulation of numbers of type `T`: short runs in [`Fold::Lane`]s, what they come to in an [`Fold::Acc`].
pub trait Fold<T: Copy>: 'static {
    /// Accumulates up to some dozens of numbers.
    type Lane: Copy;
    /// Accumulates lanes.
    type Acc: Copy + Send;
    /// The result.
    type Out: Copy;

    /// The lane of no numbers.
    const LANE: Self::Lane;
    /// The accumulator of no numbers.
    const ACC: Self::Acc;

    /// Takes in a number.
    fn step(lane: Self::Lane, value: T) -> Self::Lane;
    /// Puts two lanes together.
    fn join(a: Self::Lane, b: Self::Lane) -> Self::Lane;
    /// Takes in a lane.
    fn absorb(acc: Self::Acc, lane: Self::Lane) -> Self::Acc;
    /// Puts two accumulators together.
    fn combine(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    /// The result. Sums are divided by `divisor`, 1 or the count of a mean, before they are rounded.
    fn finish(acc: Self::Acc, divisor: f64) -> Self::Out;
    /// The loops over it, which are compiled in this crate.
    fn loops() -> Loops;
}

/// `Σ x`; integers wrap around in 64 bits.
pub struct Sum;
/// `Σ x` without the NaNs.
pub struct NanSum;
/// `Π x`
pub struct Product;
/// The greatest number; NaN if there is one.
pub struct Maximum;
/// The smallest number; NaN if there is one.
pub struct Minimum;
/// `Σ |x|`
pub struct SumAbs;
/// `Σ |x|²`
pub struct SumSquares;

/// A fold whose lanes and accumulators combine by the same operation.
macro_rules! fold {
    ($fold:ident, $t:ty $(as $wide:ty)?, $lane:ty, $acc:ty, $out:ty, identity $identity:expr, $acc_identity:expr,
        |$x:ident| $value:expr, |$a:ident, $b:ident| $op:expr, lift $lift:expr, |$result:ident, $divisor:ident| $finish:expr) => {
        impl Fold<$t> for $fold {
            type Lane = $lane;
            type Acc = $acc;
            type Out = $out;
            const LANE: $lane = $identity;
            const ACC: $acc = $acc_identity;
            #[inline(always)]
            fn step($a: $lane, $x: $t) -> $lane {
                let $b: $lane = $value;
                $op
            }
            #[inline(always)]
            fn join($a: $lane, $b: $lane) -> $lane {
                $op
            }
            #[inline(always)]
            fn absorb($a: $acc, lane: $lane) -> $acc {
                let lift: fn($lane) -> $acc = $lift;
                let $b = lift(lane);
                $op
            }
            #[inline(always)]
            fn combine($a: $acc, $b: $acc) -> $acc {
                $op
            }
            #[inline(always)]
            #[allow(unused_variables)]
            fn finish($result: $acc, $divisor: f64) -> $out {
                $finish
            }
            #[inline(never)]
            fn loops() -> Loops {
                fold!(@loops $fold, $t $(as $wide)?)
            }
        }
    };
    (@loops $fold:ident, $t:ty) => {
        Loops::of::<$fold, $t>()
    };
    (@loops $fold:ident, $t:ty as $wide:ty) => {
        Loops::widened::<$fold, $t, $wide>()
    };
}

macro_rules! float_folds {
    ($($t:ty $(as $wide:ty)?: $lane:ty, |$x:ident| $value:expr, $down:expr;)*) => {$(
        fold!(Sum, $t $(as $wide)?, $lane, f64, $t, identity 0.0, 0.0, |$x| $value, |a, b| a + b,
            lift |lane| lane as f64, |acc, divisor| $down(acc / divisor));
        fold!(NanSum, $t $(as $wide)?, $lane, f64, $t, identity 0.0, 0.0, |$x| { let v = $value; if v.is_nan() { 0.0 } else { v } },
            |a, b| a + b, lift |lane| lane as f64, |acc, divisor| $down(acc / divisor));
        fold!(Product, $t $(as $wide)?, f64, f64, $t, identity 1.0, 1.0, |$x| ($value) as f64, |a, b| a * b,
            lift |lane| lane, |acc, divisor| $down(acc));
        fold!(Maximum, $t $(as $wide)?, $lane, $lane, $t, identity <$lane>::NEG_INFINITY, <$lane>::NEG_INFINITY, |$x| $value,
            |a, b| if b > a || b.is_nan() { b } else { a }, lift |lane| lane, |acc, divisor| $down(acc as f64));
        fold!(Minimum, $t $(as $wide)?, $lane, $lane, $t, identity <$lane>::INFINITY, <$lane>::INFINITY, |$x| $value,
            |a, b| if b < a || b.is_nan() { b } else { a }, lift |lane| lane, |acc, divisor| $down(acc as f64));
        fold!(SumAbs, $t $(as $wide)?, $lane, f64, $t, identity 0.0, 0.0, |$x| ($value).abs(), |a, b| a + b,
            lift |lane| lane as f64, |acc, divisor| $down(acc));
        fold!(SumSquares, $t $(as $wide)?, $lane, f64, $t, identity 0.0, 0.0, |$x| { let v = $value; v * v }, |a, b| a + b,
            lift |lane| lane as f64, |acc, divisor| $down(acc));
    )*};
}

float_folds! {
    f32: f32, |x| x, |v: f64| v as f32;
    f64: f64, |x| x, |v: f64| v;
    f16 as f32: f32, |x| x.to_f32(), f16::from_f64;
    bf16 as f32: f32, |x| x.to_f32(), bf16::from_f64;
}

macro_rules! sums_of_integers {
    ($($t:ty $(as $wide:ty)?),*) => {$(
        fold!(Sum, $t $(as $wide)?, i64, i64, i64, identity 0, 0, |x| x as i64, |a, b| a.wrapping_add(b), lift |lane| lane,
            |acc, divisor| acc);
        fold!(Product, $t $(as $wide)?, i64, i64, i64, identity 1, 1, |x| x as i64, |a, b| a.wrapping_mul(b), lift |lane| lane,
            |acc, divisor| acc);
    )*};
}

sums_of_integers!(u8 as i64, i8 as i64, i16 as i64, i32 as i64, i64);

macro_rules! extrema_of_integers {
    ($($t:ty $(as $wide:ty)?: $lane:ty),*) => {$(
        fold!(Maximum, $t $(as $wide)?, $lane, $lane, $t, identity <$lane>::MIN, <$lane>::MIN, |x| x as $lane, |a, b| a.max(b),
            lift |lane| lane, |acc, divisor| acc as $t);
        fold!(Minimum, $t $(as $wide)?, $lane, $lane, $t, identity <$lane>::MAX, <$lane>::MAX, |x| x as $lane, |a, b| a.min(b),
            lift |lane| lane, |acc, divisor| acc as $t);
    )*};
}

extrema_of_integers!(u8: u8, i8 as i32: i32, i16 as i32: i32, i32: i32, i64: i64);

macro_rules! folded_as {
    ($($t:ty as $wide:ty: |$x:ident| $widen:expr;)*) => {$(
        impl FoldedAs<$wide> for $t {
            #[inline(always)]
            fn widen(self) -> $wide {
                let $x = self;
                $widen
            }
        }
    )*};
}

folded_as! {
    f16 as f32: |x| x.to_f32();
    bf16 as f32: |x| x.to_f32();
    u8 as i64: |x| x.into();
    i8 as i64: |x| x.into();
    i16 as i64: |x| x.into();
    i32 as i64: |x| x.into();
    i8 as i32: |x| x.into();
    i16 as i32: |x| x.into();
}

// Bools are folded as bytes, but those of nothing: all of them are true.
fold!(Minimum, bool, bool, bool, bool, identity true, true, |x| x, |a, b| a & b, lift |lane| lane,
    |acc, divisor| acc);

const fn complex<T>(re: T, im: T) -> Complex<T> {
    Complex { re, im }
}

fn wide<T: Into<f64>>(z: Complex<T>) -> Complex<f64> {
    complex(z.re.into(), z.im.into())
}

macro_rules! complex_folds {
    ($($t:ty),*) => {$(
        fold!(Sum, Complex<$t>, Complex<$t>, Complex<f64>, Complex<$t>, identity complex(0.0, 0.0), complex(0.0, 0.0),
            |x| x, |a, b| a + b, lift wide, |acc, divisor| complex((acc.re / divisor) as $t, (acc.im / divisor) as $t));
        fold!(Product, Complex<$t>, Complex<f64>, Complex<f64>, Complex<$t>, identity complex(1.0, 0.0),
            complex(1.0, 0.0), |x| wide(x), |a, b| a * b, lift |lane| lane,
            |acc, divisor| complex(acc.re as $t, acc.im as $t));
        fold!(SumAbs, Complex<$t>, $t, f64, $t, identity 0.0, 0.0, |x| x.re.hypot(x.im), |a, b| a + b,
            lift |lane| lane as f64, |acc, divisor| acc as $t);
        fold!(SumSquares, Complex<$t>, $t, f64, $t, identity 0.0, 0.0, |x| x.re * x.re + x.im * x.im, |a, b| a + b,
            lift |lane| lane as f64, |acc, divisor| acc as $t);
    )*};
}

complex_folds!(f32, f64);
