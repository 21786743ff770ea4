//! Activation functions whose numbers have limits of their own, so that a call can fail.

use rustorch_shape::rules;

use crate::ops::elementwise::Params;
use crate::ops::elementwise::macros::*;
use crate::{DType, Result, Scalar};

/// As `unary!`, with `checked` naming a function that refuses parameters, or returns them as the dtype holds them.
macro_rules! checked_unary {
    (literal $T:ident; $($(#[$doc:meta])* $domain:ident $name:ident / $inplace:ident ($x:ident; $($p:ident),+) = $value:expr,
        dx($($v:ident),*) = $grad:expr, checked $check:ident, refuses $refused:literal,
        example ($($arg:literal),*) [$($input:expr),*] => [$($output:expr),*];)*) => {
        $(entry!($T, value $domain $name($x; $($p),+) = $value, [($($v),*) = $grad]);)*

        impl $crate::Tensor {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                #[doc = concat!("If ", $refused, ", or the dtype is not ", unary!(@expected $domain), ".")]
                ///
                /// ```
                /// # use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from([", stringify!($($input),*), "f32]);")]
                #[doc = concat!("let y = x.", stringify!($name), "(", stringify!($($arg),*), ")?.to_vec::<f32>()?;")]
                #[doc = concat!("let expected = [", stringify!($($output),*), "f32];")]
                /// assert!(y.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs()), "{y:?}");
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[inline]
                pub fn $name(&self $(, $p: f64)+) -> Result<$crate::Tensor> {
                    let params = $check(self.dtype(), params!($($p),+))?;
                    let input = $crate::ops::elementwise::Operand::Tensor(self);
                    $crate::ops::elementwise::apply(&$name::ENTRY, &[input], params)
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") in place.")]
                ///
                /// # Errors
                /// As there; also for tensors that cannot hold the result, and for leaves that require gradients.
                #[inline]
                pub fn $inplace(&self $(, $p: f64)+) -> Result<$crate::Tensor> {
                    let params = $check(self.dtype(), params!($($p),+))?;
                    $crate::ops::elementwise::apply_inplace(&$name::ENTRY, self, &[], params)
                }
            )*
        }

        impl<S: $crate::Shape> $crate::TypedTensor<S> {
            $(
                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), "), with the shape kept.")]
                ///
                /// # Panics
                #[doc = concat!("If ", $refused, ", or the dtype is not ", unary!(@expected $domain), ".")]
                #[track_caller]
                #[inline]
                pub fn $name(&self $(, $p: f64)+) -> Self {
                    Self::infallible(self.as_tensor().$name($($p),+))
                }
            )*
        }
    };
}

checked_unary! {
    literal T;

    /// `max(x, 0) + min(alpha · (exp(x / alpha) - 1), 0)` (`torch.celu`; Barron 2017).
    Real celu / celu_ (x; alpha) = select(gt(x, T(0.0)), x, alpha * expm1(x / alpha)),
        // In the second derivative, what is not selected must not be infinite.
        dx(g, x) = select(le(x, T(0.0)), g * exp(select(le(x, T(0.0)), x, T(0.0)) / alpha), g),
        checked celu_numbers, refuses "`alpha` is 0", example (2.0) [-1.0, 2.0] => [-0.7869387, 2.0];

    /// `x` limited to `low ..= high`, with no gradient outside (`torch.nn.functional.hardtanh`).
    Quantity hardtanh / hardtanh_ (x; low, high) = min(max(x, low), high),
        dx(g, x) = select(le(x, low), T(0.0), select(ge(x, high), T(0.0), g)),
        checked hardtanh_numbers, refuses "`low` is above `high`", example (-1.0, 1.0) [-3.0, 0.5] => [-1.0, 0.5];

    /// `x` moved by `lambda` toward 0, at most to 0 (`torch.nn.functional.softshrink`).
    Real softshrink / softshrink_ (x; lambda) = select(gt(x, lambda), x - lambda, select(lt(x, -lambda), x + lambda, x * T(0.0))),
        dx(g, x) = select(le(abs(x), lambda), T(0.0), g),
        checked softshrink_numbers, refuses "`lambda` is negative or no finite number of the dtype",
        example (0.5) [-1.0, 0.3] => [-0.5, 0.0];

    /// `x` where it exceeds `threshold`, otherwise `value` (`torch.nn.functional.threshold`).
    Quantity threshold / threshold_ (x; threshold, value) = select(le(x, threshold), value, x),
        dx(g, x) = select(le(x, threshold), T(0.0), g),
        checked threshold_numbers, refuses "the dtype does not hold one of the numbers",
        example (0.5, -1.0) [0.3, 2.0] => [-1.0, 2.0];
}

fn celu_numbers(_: DType, params: Params) -> Result<Params> {
    rules::celu("celu", params[0])?;
    Ok(params)
}

fn hardtanh_numbers(_: DType, params: Params) -> Result<Params> {
    rules::hardtanh("hardtanh", params[0], params[1])?;
    Ok(params)
}

fn softshrink_numbers(dtype: DType, params: Params) -> Result<Params> {
    rules::softshrink("softshrink", params[0])?;
    if dtype.is_float() {
        Scalar::Float(params[0]).check_fits("softshrink", dtype)?;
    }
    Ok(params)
}

fn threshold_numbers(dtype: DType, params: Params) -> Result<Params> {
    params.iter().try_for_each(|&number| Scalar::Float(number).check_fits("threshold", dtype))?;
    Ok(params)
}
