//! Operations on three tensors.

use crate::ops::elementwise::macros::*;
use crate::ops::elementwise::{Elementwise, Operand, apply, apply_as, apply_inplace, result_dtype};
use crate::{DType, Error, Result, Scalar, Tensor};

entry!(T, value Arith where_(a, b, c;) = select(ne(a, T(0.0)), b, c), [
    () = T(0.0),
    (g, a) = select(ne(a, T(0.0)), g, T(0.0)),
    (g, a) = select(ne(a, T(0.0)), T(0.0), g)
]);

// From the nearer end, as PyTorch: exact at both, and finite where the other one is infinite. Complex numbers: below.
entry!(T, value Real lerp(a, b, c;) = select(lt(abs(c), T(0.5)), a + c * (b - a), b - (b - a) * (T(1.0) - c)), [
    (g, c) = g * conj(T(1.0) - c),
    (g, c) = g * conj(c),
    (g, a, b) = g * conj(b - a)
]);

entry!(T, value Arith addcmul(a, b, c; value) = a + value * b * c, [
    (g) = g,
    (g, c) = g * conj(value * c),
    (g, b) = g * conj(value * b)
]);

entry!(T, value Analytic addcdiv(a, b, c; value) = a + value * b / c, [
    (g) = g,
    (g, c) = g * conj(value / c),
    (g, b, c) = -(g * conj(value * b / (c * c)))
]);

// Where the value equals one of two different bounds, both get half of the gradient.
entry!(T, value Ordered clamp(a, b, c;) = min(max(a, b), c), [
    (g, a, b, c) = select(lt(a, b), T(0.0), select(gt(a, c), T(0.0),
        select(lt(b, c), select(eq(a, b), g * T(0.5), select(eq(a, c), g * T(0.5), g)), g))),
    (g, a, b, c) = select(gt(b, c), T(0.0), select(lt(a, b), g,
        select(eq(a, b), select(lt(b, c), g * T(0.5), T(0.0)), T(0.0)))),
    (g, a, b, c) = select(lt(c, b), g, select(gt(a, c), g,
        select(eq(a, c), select(lt(b, c), g * T(0.5), T(0.0)), T(0.0))))
]);

// Between numbers, which take no gradient, nothing flows at the bounds either.
entry!(T, value Ordered clamp_numbers(a, b, c;) = min(max(a, b), c), [
    (g, a, b, c) = select(lt(b, a), select(lt(a, c), g, T(0.0)), T(0.0)),
    () = T(0.0),
    () = T(0.0)
]);

entry!(T, value Ordered clamp_min(a, b;) = max(a, b), [(g, a, b) = select(lt(b, a), g, T(0.0)), () = T(0.0)]);

entry!(T, value Ordered clamp_max(a, b;) = min(a, b), [(g, a, b) = select(lt(a, b), g, T(0.0)), () = T(0.0)]);

impl Tensor {
    /// Elements of `yes` where `condition` holds and of `no` elsewhere; all three broadcast (`torch.where`).
    ///
    /// # Errors
    /// If the condition is not a bool tensor, or the shapes do not broadcast.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([-1.0f32, 2.0]);
    /// let y = Tensor::where_(&x.gt(0.0)?, &x, 0.0)?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn where_<'a>(
        condition: &Tensor,
        yes: impl Into<Operand<'a>>,
        no: impl Into<Operand<'a>>,
    ) -> Result<Tensor> {
        if condition.dtype() != DType::Bool {
            return Err(Error::DType { op: "where", dtype: condition.dtype(), expected: "a bool condition" });
        }
        let inputs = [Operand::Tensor(condition), yes.into(), no.into()];
        apply_as(&where_::ENTRY, &inputs, params!(), result_dtype(&inputs[1..]))
    }

    /// `self + weight · (end - self)` (`torch.lerp`), computed from the nearer end.
    ///
    /// # Errors
    /// For shapes that do not broadcast, and if `end`, or a weight with axes, has another dtype, or one without fractions.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::from([0.0f32, 10.0]).lerp(&Tensor::from([10.0f32, 20.0]), 0.5)?;
    /// assert_eq!(y.to_vec::<f32>()?, [5.0, 15.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn lerp<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
        let (dtype, weight) = (self.dtype(), weight.into());
        check_lerp("lerp", self, end, weight)?;
        let inputs = [Operand::Tensor(self), Operand::Tensor(end), weight];
        if !dtype.is_complex() {
            // A weight without axes does not decide the dtype.
            return apply_as(&lerp::ENTRY, &inputs, params!(), dtype);
        }
        let distance = end.sub(self)?;
        let weight = match weight {
            Operand::Tensor(weight) => weight.to_dtype(dtype),
            Operand::Scalar(weight) => Tensor::try_full(&[], weight, dtype, self.device())?,
        };
        let near = crate::no_grad(|| weight.abs().lt(0.5))?;
        let from_end = end.sub(&distance.mul(&weight.neg().add(1.0)?)?)?;
        Tensor::where_(&near, &self.add(&distance.mul(&weight)?)?, &from_end)
    }

    /// [`Tensor::lerp`] in place.
    ///
    /// # Errors
    /// As there; also if the result has another shape, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([0.0f32, 10.0]);
    /// x.lerp_(&Tensor::from([10.0f32, 20.0]), 0.5)?;
    /// assert_eq!(x.to_vec::<f32>()?, [5.0, 15.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn lerp_<'a>(&self, end: &Tensor, weight: impl Into<Operand<'a>>) -> Result<Tensor> {
        let (dtype, weight) = (self.dtype(), weight.into());
        check_lerp("lerp_", self, end, weight)?;
        let same = weight.tensor().is_none_or(|weight| weight.dtype() == dtype);
        match same && dtype.is_float() {
            true => apply_inplace(&lerp::ENTRY, self, &[Operand::Tensor(end), weight], params!()),
            false => self.replace("lerp_", |x| x.lerp(end, weight)),
        }
    }

    /// `self + value · a · b` (`torch.addcmul`).
    ///
    /// # Errors
    /// For shapes that do not broadcast and unsupported dtypes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::from([1.0f32]).addcmul(&Tensor::from([2.0f32]), &Tensor::from([3.0f32]), 0.5)?;
    /// assert_eq!(y.to_vec::<f32>()?, [4.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn addcmul(&self, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
        apply(
            &addcmul::ENTRY,
            &[Operand::Tensor(self), Operand::Tensor(a), Operand::Tensor(b)],
            params!(value),
        )
    }

    /// [`Tensor::addcmul`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    pub fn addcmul_(&self, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
        apply_inplace(&addcmul::ENTRY, self, &[Operand::Tensor(a), Operand::Tensor(b)], params!(value))
    }

    /// `self + value · a / b` (`torch.addcdiv`).
    ///
    /// # Errors
    /// For shapes that do not broadcast, unsupported dtypes, and two integers to be divided.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::from([1.0f32]).addcdiv(&Tensor::from([6.0f32]), &Tensor::from([3.0f32]), 0.5)?;
    /// assert_eq!(y.to_vec::<f32>()?, [2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn addcdiv(&self, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
        check_quotient("addcdiv", a, b)?;
        apply(
            &addcdiv::ENTRY,
            &[Operand::Tensor(self), Operand::Tensor(a), Operand::Tensor(b)],
            params!(value),
        )
    }

    /// [`Tensor::addcdiv`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    pub fn addcdiv_(&self, a: &Tensor, b: &Tensor, value: f64) -> Result<Tensor> {
        check_quotient("addcdiv_", a, b)?;
        apply_inplace(&addcdiv::ENTRY, self, &[Operand::Tensor(a), Operand::Tensor(b)], params!(value))
    }

    /// Elements limited to `low ..= high`; if `low > high`, all become `high` (`torch.clamp`). The gradient goes to the
    /// elements between the bounds, and to bounds that are tensors from those beyond; equal ones share it.
    ///
    /// # Errors
    /// For bounds that do not broadcast and complex dtypes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([-1.0f32, 0.5, 3.0]).clamp(0.0, 1.0)?.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn clamp<'a>(&self, low: impl Into<Operand<'a>>, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        let (entry, [low, high]) = clamping(self, low.into(), high.into())?;
        apply(entry, &[Operand::Tensor(self), low, high], params!())
    }

    /// [`Tensor::clamp`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([-1.0f32, 0.5, 3.0]);
    /// x.clamp_(0.0, 1.0)?;
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn clamp_<'a>(&self, low: impl Into<Operand<'a>>, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        let (entry, bounds) = clamping(self, low.into(), high.into())?;
        apply_inplace(entry, self, &bounds, params!())
    }

    /// Elements raised to at least `low` (`torch.clamp_min`); with a tensor, [`Tensor::maximum`].
    ///
    /// # Errors
    /// For bounds that do not broadcast and complex dtypes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([-1.0f32, 3.0]).clamp_min(0.0)?.to_vec::<f32>()?, [0.0, 3.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn clamp_min<'a>(&self, low: impl Into<Operand<'a>>) -> Result<Tensor> {
        match low.into() {
            Operand::Tensor(low) => self.maximum(low),
            low => {
                let low = in_range("clamp_min", low, result_dtype(&[Operand::Tensor(self), low]), true)?;
                apply(&clamp_min::ENTRY, &[Operand::Tensor(self), low], params!())
            }
        }
    }

    /// [`Tensor::clamp_min`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    pub fn clamp_min_<'a>(&self, low: impl Into<Operand<'a>>) -> Result<Tensor> {
        match low.into() {
            Operand::Tensor(low) => self.maximum_(low),
            low => {
                let low = in_range("clamp_min_", low, result_dtype(&[Operand::Tensor(self), low]), true)?;
                apply_inplace(&clamp_min::ENTRY, self, &[low], params!())
            }
        }
    }

    /// Elements lowered to at most `high` (`torch.clamp_max`); with a tensor, [`Tensor::minimum`].
    ///
    /// # Errors
    /// For bounds that do not broadcast and complex dtypes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([-1.0f32, 3.0]).clamp_max(0.0)?.to_vec::<f32>()?, [-1.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn clamp_max<'a>(&self, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        match high.into() {
            Operand::Tensor(high) => self.minimum(high),
            high => {
                let high = in_range("clamp_max", high, result_dtype(&[Operand::Tensor(self), high]), false)?;
                apply(&clamp_max::ENTRY, &[Operand::Tensor(self), high], params!())
            }
        }
    }

    /// [`Tensor::clamp_max`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    pub fn clamp_max_<'a>(&self, high: impl Into<Operand<'a>>) -> Result<Tensor> {
        match high.into() {
            Operand::Tensor(high) => self.minimum_(high),
            high => {
                let high = in_range("clamp_max_", high, result_dtype(&[Operand::Tensor(self), high]), false)?;
                apply_inplace(&clamp_max::ENTRY, self, &[high], params!())
            }
        }
    }
}

/// Start, end and weight have one dtype; a weight without axes, or a number, only has to convert to it.
fn check_lerp(op: &'static str, start: &Tensor, end: &Tensor, weight: Operand<'_>) -> Result<()> {
    let dtype = start.dtype();
    if !dtype.is_differentiable() {
        return Err(Error::DType { op, dtype, expected: "a floating-point or complex dtype" });
    }
    let is_point = weight.tensor().is_none_or(|weight| weight.rank() == 0);
    let fits = weight.dtype() == dtype || is_point && (!weight.dtype().is_complex() || dtype.is_complex());
    if end.dtype() != dtype || !fits {
        let message =
            format!("the start is {dtype}, the end {} and the weight {}", end.dtype(), weight.dtype());
        return Err(Error::argument(op, format!("{message}; they must be the same")));
    }
    Ok(())
}

/// Integers are not divided by integers.
fn check_quotient(op: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dtype().is_differentiable() || b.dtype().is_differentiable() {
        return Ok(());
    }
    Err(Error::DType { op, dtype: a.dtype(), expected: "a dividend or divisor with fractions" })
}

/// The entry for these bounds, and the bounds as the result's dtype holds them.
fn clamping<'a>(
    x: &Tensor,
    low: Operand<'a>,
    high: Operand<'a>,
) -> Result<(&'static Elementwise, [Operand<'a>; 2])> {
    let dtype = result_dtype(&[Operand::Tensor(x), low, high]);
    let bounds = [in_range("clamp", low, dtype, true)?, in_range("clamp", high, dtype, false)?];
    Ok(match bounds {
        [Operand::Scalar(_), Operand::Scalar(_)] => (&clamp_numbers::ENTRY, bounds),
        _ => (&clamp::ENTRY, bounds),
    })
}

/// A bound as the result's dtype holds it: one beyond all of an integer dtype's numbers becomes the last of them. One that
/// would leave no number is refused, as in PyTorch.
fn in_range<'a>(op: &'static str, bound: Operand<'a>, dtype: DType, lower: bool) -> Result<Operand<'a>> {
    let Operand::Scalar(Scalar::Int(value)) = bound else { return Ok(bound) };
    let Some((least, greatest)) = dtype.int_range() else { return Ok(bound) };
    if (lower && value > greatest) || (!lower && value < least) {
        let name = if lower { "lower" } else { "upper" };
        let message = format!("the {name} bound is {value}, but {dtype} holds {least} to {greatest}");
        return Err(Error::argument(op, message));
    }
    Ok(Operand::Scalar(Scalar::Int(value.clamp(least, greatest))))
}
