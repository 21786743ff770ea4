//! Dropout.

use crate::{Error, Result, Tensor, no_grad};

/// In training, [`Tensor::dropout`]; otherwise the input as it is (`torch.nn.functional.dropout`).
///
/// # Errors
/// If `p` is not from 0 to 1, or the dtype is not a floating-point or complex type.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::ones([4]);
/// assert_eq!(F::dropout(&x, 0.5, false)?.to_vec::<f32>()?, [1.0; 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn dropout(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    check("dropout", p)?;
    if training { input.dropout(p) } else { Ok(input.clone()) }
}

macro_rules! of_channels {
    ($($name:ident: $ranks:expr, $batched:literal, $layout:literal, $shape:literal;)*) => {$(
        #[doc = concat!("In training, each channel of ", $layout, " zero with probability `p`, the others divided by `1 - p`; otherwise")]
        #[doc = concat!("the input as it is (`torch.nn.functional.", stringify!($name), "`; Tompson et al. 2015).")]
        ///
        /// # Errors
        /// If `p` is not from 0 to 1, the rank does not fit, or the dtype is not a floating-point or complex type.
        ///
        /// ```
        /// use rustorch::{Tensor, nn::functional as F};
        #[doc = concat!("let x = Tensor::ones(", $shape, ");")]
        #[doc = concat!("let y = F::", stringify!($name), "(&x, 0.5, true)?;")]
        /// assert!(y.to_vec::<f32>()?.chunks(4).all(|channel| channel == [0.0; 4] || channel == [2.0; 4]));
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        pub fn $name(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
            const OP: &str = stringify!($name);
            check(OP, p)?;
            if !$ranks.contains(&input.rank()) {
                return Err(Error::argument(
                    OP,
                    format!("the input has shape {:?}, expected {}", input.shape(), $layout),
                ));
            }
            if !training {
                return Ok(input.clone());
            }
            let dtype = input.dtype();
            if !dtype.is_differentiable() {
                return Err(Error::DType { op: OP, dtype, expected: "a floating-point or complex dtype" });
            }
            let leading = if input.rank() < $batched { 1 } else { 2 };
            input.mul(&per_channel(input, leading)?.dropout(p)?)
        }
    )*};
}

of_channels! {
    dropout1d: [2, 3], 3, "`[batch, channels, length]` or `[channels, length]`", "[2, 3, 4]";
    dropout2d: [3, 4], 3, "`[batch, channels, h, w]` or `[batch, channels, length]`", "[2, 3, 2, 2]";
    dropout3d: [4, 5], 5, "`[batch, channels, d, h, w]` or `[channels, d, h, w]`", "[2, 3, 2, 2, 1]";
}

/// In training, each element `x` becomes `a·x + b` with probability `1 - p` and `a·α' + b` otherwise, where `α'` is what `selu`
/// tends to and `a` and `b` keep mean 0 and variance 1 (`torch.nn.functional.alpha_dropout`; Klambauer et al. 2017). Otherwise the
/// input as it is.
///
/// # Errors
/// If `p` is not from 0 to 1, or the dtype is not a float.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let y = F::alpha_dropout(&Tensor::randn([10_000]), 0.3, true)?;
/// assert!(y.mean().item::<f32>()?.abs() < 0.1 && (y.std().item::<f32>()? - 1.0).abs() < 0.1);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn alpha_dropout(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    alpha("alpha_dropout", input, p, training, input.rank())
}

/// [`alpha_dropout`] of whole channels (axis 1) of each example (`torch.nn.functional.feature_alpha_dropout`).
///
/// # Errors
/// As [`alpha_dropout`]; also if the input has fewer than two axes in training.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let y = F::feature_alpha_dropout(&Tensor::ones([2, 3, 2]), 0.5, true)?.to_vec::<f32>()?;
/// assert!(y.chunks(2).all(|channel| channel[0] == channel[1]));
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn feature_alpha_dropout(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    const OP: &str = "feature_alpha_dropout";
    if training && input.rank() < 2 {
        return Err(Error::argument(
            OP,
            format!("the input has shape {:?}, expected [batch, channels, ..]", input.shape()),
        ));
    }
    alpha(OP, input, p, training, 2)
}

/// `λ·α` of `selu`, whose negative it tends to.
pub(crate) const SATURATION: f64 = 1.758_099_340_847_376_6;

/// The factor that keeps the variance when elements become `-λ·α` with this probability.
pub(crate) fn alpha_scale(p: f64) -> f64 {
    1.0 / ((SATURATION * SATURATION * p + 1.0) * (1.0 - p)).sqrt()
}

/// The `leading` axes drop out together with what is behind them.
#[inline]
fn alpha(op: &'static str, input: &Tensor, p: f64, training: bool, leading: usize) -> Result<Tensor> {
    check(op, p)?;
    if !training {
        return Ok(input.clone());
    }
    if !input.dtype().is_float() {
        return Err(Error::DType { op, dtype: input.dtype(), expected: "a floating-point dtype" });
    }
    if p == 0.0 {
        return Ok(input.clone());
    }
    if p == 1.0 {
        return input.mul(0.0);
    }
    let scale = alpha_scale(p);
    let (factor, offset) = no_grad(|| {
        let keep = per_channel(input, leading)?.bernoulli_(1.0 - p)?;
        let offset = keep.sub(1.0)?.mul(SATURATION * scale)?.add(SATURATION * scale * p)?;
        Ok::<_, Error>((keep.mul(scale)?, offset))
    })?;
    input.mul(&factor)?.add(&offset)
}

/// Ones that broadcast with the input: one for each entry of its `leading` axes.
#[inline]
fn per_channel(input: &Tensor, leading: usize) -> Result<Tensor> {
    let mut shape = input.shape().to_vec();
    shape[leading..].fill(1);
    Tensor::try_full(&shape, 1.0, input.dtype(), input.device())
}

fn check(op: &'static str, p: f64) -> Result<()> {
    match (0.0..=1.0).contains(&p) {
        true => Ok(()),
        false => Err(Error::argument(op, format!("p is {p}, expected a probability from 0 to 1"))),
    }
}
