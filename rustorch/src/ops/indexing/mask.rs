//! Elements chosen by a bool tensor.

use crate::autograd::{Grads, Saved, check_inplace, named, record};
use crate::tensor::refuse_partial_overlap;
use crate::{DType, Error, Operand, Result, Scalar, Tensor, no_grad};

impl Tensor {
    /// The tensor with a number, or a tensor without axes, wherever the mask holds; both broadcast
    /// (`torch.masked_fill`). The dtype stays.
    ///
    /// # Errors
    /// If the mask is not bool, the shapes do not broadcast, or the tensor's dtype does not hold the value; integers drop
    /// its fraction.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([1.0f32, -2.0]);
    /// assert_eq!(x.masked_fill(&x.lt(0.0)?, 0.0)?.to_vec::<f32>()?, [1.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn masked_fill<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<Tensor> {
        const OP: &str = "masked_fill";
        require_mask(OP, mask)?;
        let output = match value.into() {
            Operand::Tensor(value) if value.rank() == 0 && fits(value.dtype(), self.dtype()) => {
                if self.dtype().is_int() && value.dtype().is_float() {
                    let number = no_grad(|| value.to_dtype(DType::F64)).item::<f64>()?;
                    Scalar::Float(number).check_fits(OP, self.dtype())?;
                }
                Tensor::where_(mask, &value.to_dtype(self.dtype()), self)
            }
            Operand::Scalar(value) => {
                value.check_fits(OP, self.dtype())?;
                Tensor::where_(mask, &Tensor::try_full(&[], value, self.dtype(), self.device())?, self)
            }
            Operand::Tensor(value) if value.rank() == 0 => Err(misfit(OP, self, value.dtype())),
            Operand::Tensor(value) => Err(Error::argument(
                OP,
                format!(
                    "the value has shape {:?}, expected a number or a tensor without axes",
                    value.shape()
                ),
            )),
        }?;
        Ok(named(OP, output))
    }

    /// [`Tensor::masked_fill`] in place (`torch.Tensor.masked_fill_`).
    ///
    /// # Errors
    /// As there; also if the mask does not broadcast to this tensor's shape, and for leaves that require gradients.
    pub fn masked_fill_<'a>(&self, mask: &Tensor, value: impl Into<Operand<'a>>) -> Result<Tensor> {
        refuse_partial_overlap("masked_fill_", self, &[mask])?;
        check_inplace("masked_fill_", self, &[])?;
        self.overwrite("masked_fill_", &self.masked_fill(mask, value)?)
    }

    /// The elements where the mask holds, in row-major order, as a vector; mask and tensor broadcast
    /// (`torch.masked_select`).
    ///
    /// # Errors
    /// If the mask is not bool or the shapes do not broadcast.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.masked_select(&x.gt(1)?)?.to_vec::<i32>()?, [2, 3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn masked_select(&self, mask: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_select";
        require_mask(OP, mask)?;
        let shape = rustorch_shape::rules::broadcast(OP, self.shape(), mask.shape(), &mut ())?;
        let positions = mask.expand(shape.as_slice())?.true_positions()?;
        let output = no_grad(|| self.expand(shape.as_slice())?.reshape(-1)?.index_select(0, &positions))?;
        record(OP, &[&output], &[self], || {
            let (original, positions) = (self.layout().shape.clone(), Saved::input(&positions));
            Box::new(move |ctx| {
                let (grad, positions) = (ctx.grad()?, positions.unpack(ctx)?);
                let zeros = Tensor::try_full(&[shape.iter().product()], 0, grad.dtype(), grad.device())?;
                let spread = zeros.index_copy(0, &positions, grad)?.reshape(shape.as_slice())?;
                Ok(Grads::from_iter([Some(spread.sum_to(&original)?)]))
            })
        });
        Ok(output)
    }

    /// The tensor with the elements of `source`, in row-major order, at the places where the mask holds
    /// (`torch.masked_scatter`). The mask broadcasts with the tensor.
    ///
    /// # Errors
    /// If the mask is not bool, the dtypes differ, the shapes do not broadcast, or the source has too few elements.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([3]).masked_scatter(&Tensor::from([true, false, true]), &Tensor::from([1.0f32, 2.0]))?;
    /// assert_eq!(x.to_vec::<f32>()?, [1.0, 0.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn masked_scatter(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        const OP: &str = "masked_scatter";
        require_mask(OP, mask)?;
        super::require_same_dtype(OP, self, source)?;
        let shape = rustorch_shape::rules::broadcast(OP, self.shape(), mask.shape(), &mut ())?;
        let positions = mask.expand(shape.as_slice())?.true_positions()?;
        let count = positions.numel();
        if source.numel() < count {
            return Err(Error::argument(
                OP,
                format!("the mask holds at {count} places, but the source has {} elements", source.numel()),
            ));
        }
        let values = source.reshape(-1)?.narrow(0, 0, count)?;
        self.expand(shape.as_slice())?.reshape(-1)?.index_copy(0, &positions, &values)?.reshape(shape)
    }

    /// [`Tensor::masked_scatter`] in place (`torch.Tensor.masked_scatter_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn masked_scatter_(&self, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
        check_inplace("masked_scatter_", self, &[source])?;
        self.overwrite("masked_scatter_", &self.masked_scatter(mask, source)?)
    }

    /// The positions of the elements that are not zero, one row of indices each, as `I64` (`torch.nonzero`).
    ///
    /// # Errors
    /// If the tensor is on a device without a kernel.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[0, 5], [7, 0]]).nonzero()?;
    /// assert_eq!((x.shape(), x.to_vec::<i64>()?), ([2, 2].as_slice(), vec![0, 1, 1, 0]));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn nonzero(&self) -> Result<Tensor> {
        let linear = no_grad(|| self.to_dtype(DType::Bool)).true_positions()?.to_vec::<i64>()?;
        let strides = crate::layout::contiguous_strides(self.shape());
        let mut coordinates = Vec::with_capacity(linear.len() * self.rank());
        for &position in &linear {
            let mut rest = position as usize;
            for &stride in &strides {
                coordinates.push((rest / stride) as i64);
                rest %= stride;
            }
        }
        Tensor::from_vec(coordinates, [linear.len(), self.rank()])
    }

    /// The same as [`Tensor::nonzero`], by NumPy's name (`torch.argwhere`).
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn argwhere(&self) -> Result<Tensor> {
        self.nonzero()
    }

    /// The positions of the elements that are not zero as one index tensor per axis, which together index those
    /// elements (`torch.nonzero(as_tuple=True)`, `torch.where` of a condition alone). A tensor without axes counts as
    /// one of a single element.
    ///
    /// # Errors
    /// As [`Tensor::nonzero`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let indices = Tensor::from([[0, 5], [7, 0]]).nonzero_tuple()?;
    /// assert_eq!(indices[1].to_vec::<i64>()?, [1, 0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn nonzero_tuple(&self) -> Result<Vec<Tensor>> {
        let rows = if self.rank() == 0 { self.reshape(1)?.nonzero()? } else { self.nonzero()? };
        (0..rows.shape()[1]).map(|axis| Ok(rows.select(1, axis as isize)?.contiguous())).collect()
    }

    /// The row-major positions of a bool tensor's true elements, as a vector of `I64`.
    pub(crate) fn true_positions(&self) -> Result<Tensor> {
        super::require_host("nonzero", &[self])?;
        let mask = no_grad(|| self.contiguous());
        let positions: Vec<i64> = {
            let _guard = mask.storage().read();
            // SAFETY: contiguous, bool, and locked against writers.
            let mask = unsafe {
                std::slice::from_raw_parts(mask.host_ptr().cast_const().cast::<u8>(), mask.numel())
            };
            let mut positions = Vec::with_capacity(mask.iter().map(|&holds| usize::from(holds)).sum());
            positions
                .extend((0i64..).zip(mask).filter(|&(_, &holds)| holds != 0).map(|(position, _)| position));
            positions
        };
        let count = positions.len();
        Tensor::from_vec(positions, [count])
    }
}

fn require_mask(op: &'static str, mask: &Tensor) -> Result<()> {
    if mask.dtype() == DType::Bool {
        return Ok(());
    }
    Err(Error::DType { op, dtype: mask.dtype(), expected: "a bool mask" })
}

/// Whether numbers of one dtype may be written into tensors of another.
pub(super) fn fits(value: DType, tensor: DType) -> bool {
    tensor.is_complex() || !value.is_complex()
}

#[inline]
fn misfit(op: &'static str, tensor: &Tensor, value: DType) -> Error {
    Error::argument(op, format!("a {value} value does not convert to the tensor's dtype, {}", tensor.dtype()))
}

/// Numbers that masks put in place keep the tensor's dtype.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_keeps_the_dtype() {
        let mask = Tensor::from([true, false]);
        let x = Tensor::from([1i32, 2]);
        assert_eq!(x.masked_fill(&mask, 7).unwrap().to_vec::<i32>().unwrap(), [7, 2]);
        assert_eq!(x.masked_fill(&mask, 2.7).unwrap().to_vec::<i32>().unwrap(), [2, 2]);
        let error = x.masked_fill(&mask, f64::NAN).unwrap_err().to_string();
        assert_eq!(error, "masked_fill: NaN does not fit int32");
    }
}
