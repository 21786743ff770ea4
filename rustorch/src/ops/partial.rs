//! Operations whose table entry covers some dtypes only, and what computes the others.

use crate::autograd::{Grads, record};
use crate::error::expect;
use crate::ops::elementwise::table::{activation, arithmetic, comparison};
use crate::ops::elementwise::{Operand, apply, apply_inplace, result_dtype};
use crate::{DType, Result, Tensor, no_grad};

impl Tensor {
    /// Whether each element is infinite; of a complex number, whether a part of it is (`torch.isinf`).
    ///
    /// ```
    /// # use rustorch::Tensor;
    /// let x = Tensor::from([1.0f32, f32::INFINITY, f32::NAN]);
    /// assert_eq!(x.isinf().to_vec::<bool>()?, [false, true, false]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn isinf(&self) -> Tensor {
        if !self.dtype().is_complex() {
            return expect(apply(&comparison::isinf::ENTRY, &[Operand::Tensor(self)], [0.0; 4]));
        }
        expect(no_grad(|| self.real()?.isinf().logical_or(&self.imag()?.isinf())))
    }

    /// `x / (1 + |x|)` (`torch.nn.functional.softsign`).
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// # use rustorch::Tensor;
    /// let y = Tensor::from([-1.0f32, 3.0]).softsign();
    /// assert_eq!(y.to_vec::<f32>()?, [-0.5, 0.75]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn softsign(&self) -> Tensor {
        expect(match self.dtype().is_complex() {
            true => self.abs().add(1.0).and_then(|size| self.div(&size)),
            false => apply(&activation::softsign::ENTRY, &[Operand::Tensor(self)], [0.0; 4]),
        })
    }

    /// [`Tensor::softsign`] in place.
    ///
    /// # Errors
    /// For tensors that cannot hold the result, and for leaves that require gradients.
    #[inline]
    pub fn softsign_(&self) -> Result<Tensor> {
        if self.dtype().is_complex() {
            return self.copy_(&self.copy().softsign());
        }
        apply_inplace(&activation::softsign::ENTRY, self, &[], [0.0; 4])
    }

    /// `log(exp(a) + exp(b))`, without overflow (`torch.logaddexp`).
    ///
    /// The operands broadcast and promote to a common dtype.
    ///
    /// # Errors
    /// For shapes that do not broadcast, and tensors on different devices.
    ///
    /// ```
    /// # use rustorch::Tensor;
    /// let y = Tensor::from([0.0f32, 1.0]).logaddexp(0.0)?;
    /// assert!(y.allclose(&Tensor::from([0.6931472f32, 1.3132616]), 1e-5, 1e-8)?);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn logaddexp<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let inputs = [Operand::Tensor(self), other.into()];
        if !result_dtype(&inputs).is_complex() {
            return apply(&arithmetic::logaddexp::ENTRY, &inputs, [0.0; 4]);
        }
        let [a, b] = as_one_dtype(&inputs)?;
        // The number with the greater real part is the larger exponential.
        let first = no_grad(|| a.real()?.ge(&b.real()?))?;
        let (large, small) = (Tensor::where_(&first, &a, &b)?, Tensor::where_(&first, &b, &a)?);
        small.sub(&large)?.exp().log1p().add(&large)
    }

    /// [`Tensor::logaddexp`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    pub fn logaddexp_<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let other = other.into();
        if self.dtype().is_complex() {
            return self.copy_(&self.copy().logaddexp(other)?);
        }
        apply_inplace(&arithmetic::logaddexp::ENTRY, self, &[other], [0.0; 4])
    }

    /// The number next to `a` in the direction of `b` (`torch.nextafter`).
    ///
    /// The operands broadcast and promote to a common dtype.
    ///
    /// # Errors
    /// For shapes that do not broadcast, tensors on different devices, and complex dtypes.
    ///
    /// ```
    /// # use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32]).nextafter(2.0)?.to_vec::<f32>()?, [1.0000001]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn nextafter<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let inputs = [Operand::Tensor(self), other.into()];
        match result_dtype(&inputs) {
            DType::F16 | DType::BF16 => half_neighbour(&as_one_dtype(&inputs)?),
            _ => apply(&arithmetic::nextafter::ENTRY, &inputs, [0.0; 4]),
        }
    }

    /// [`Tensor::nextafter`] in place.
    ///
    /// # Errors
    /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
    pub fn nextafter_<'a>(&self, other: impl Into<Operand<'a>>) -> Result<Tensor> {
        let other = other.into();
        match result_dtype(&[Operand::Tensor(self), other]) {
            DType::F16 | DType::BF16 if self.dtype().is_float() => self.copy_(&self.nextafter(other)?),
            _ => apply_inplace(&arithmetic::nextafter::ENTRY, self, &[other], [0.0; 4]),
        }
    }
}

/// Two operands as tensors of their common dtype and shape.
fn as_one_dtype(inputs: &[Operand<'_>; 2]) -> Result<[Tensor; 2]> {
    let dtype = result_dtype(inputs);
    let tensor = |input: &Operand<'_>| match input {
        Operand::Tensor(tensor) => tensor.to_dtype(dtype),
        Operand::Scalar(scalar) => Tensor::full_with([], *scalar, dtype),
    };
    let both = Tensor::broadcast_tensors(&[tensor(&inputs[0]), tensor(&inputs[1])])?;
    Ok([both[0].clone(), both[1].clone()])
}

/// The neighbour in half precision: one step of the bits, which order as the numbers of one sign do.
fn half_neighbour([a, b]: &[Tensor; 2]) -> Result<Tensor> {
    let output = no_grad(|| {
        let flat = a.contiguous();
        let bits = flat.alias_as(DType::I16, flat.layout().clone(), None);
        let away = a.lt(b)?.eq(&a.gt(0.0)?)?;
        let stepped = bits.add(&Tensor::where_(&away, 1, -1)?.to_dtype(DType::I16))?;
        let stepped = stepped.alias_as(a.dtype(), stepped.layout().clone(), None);
        // Beside zero lies the smallest number of either sign.
        let sign = Tensor::where_(&b.gt(0.0)?, 1, i64::from(i16::MIN) + 1)?.to_dtype(DType::I16).contiguous();
        let smallest = sign.alias_as(a.dtype(), sign.layout().clone(), None);
        let moved = Tensor::where_(&a.eq(0.0)?, &smallest, &stepped)?;
        let moved = Tensor::where_(&a.eq(b)?, b, &moved)?;
        let nan = a.isnan().logical_or(&b.isnan())?;
        Tensor::where_(&nan, f64::NAN, &moved)
    })?;
    let equal = no_grad(|| a.eq(b))?;
    record("nextafter", &[&output], &[a, b], || {
        Box::new(move |ctx| {
            let grad = ctx.grad()?;
            Ok(Grads::from_iter([Some(Tensor::where_(&equal, 0.0, grad)?), Some(grad.zeros_like())]))
        })
    });
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bf16, f16};

    #[test]
    fn half_neighbours_are_one_step_of_the_bits_away() {
        let numbers = [0.0f32, -0.0, 1.0, -1.0, 65504.0, f32::INFINITY, 6.0e-8, -6.0e-8];
        for a in numbers.map(f16::from_f32) {
            for b in numbers.map(f16::from_f32) {
                let found = Tensor::from([a]).nextafter(&Tensor::from([b])).unwrap().item::<f16>().unwrap();
                let up = |x: f16| {
                    f16::from_bits(if x.to_bits() & 0x7fff == 0 {
                        1
                    } else if x.to_f32() > 0.0 {
                        x.to_bits() + 1
                    } else {
                        x.to_bits() - 1
                    })
                };
                let expected = if a == b {
                    b
                } else if a < b {
                    up(a)
                } else {
                    -up(-a)
                };
                assert_eq!(found.to_bits(), expected.to_bits(), "from {a} to {b}");
            }
        }
        let next = Tensor::from([bf16::ONE]).nextafter(2.0).unwrap().item::<bf16>().unwrap();
        assert_eq!(next.to_f32(), 1.0078125);
    }
}
