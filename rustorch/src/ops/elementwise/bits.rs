//! The bitwise complement.

use crate::{DType, Error, Result, Tensor};

/// What all bits set is in a dtype: `x ^ ones` is the complement of `x`.
fn ones(dtype: DType) -> Result<i64> {
    match dtype {
        DType::Bool => Ok(1),
        DType::U8 => Ok(i64::from(u8::MAX)),
        _ if dtype.is_int() => Ok(-1),
        _ => Err(Error::DType { op: "bitwise_not", dtype, expected: "an integer dtype or bool" }),
    }
}

impl Tensor {
    /// The bitwise complement; the logical one for bools (`torch.bitwise_not`, `~` in Python and `!` here).
    ///
    /// # Errors
    /// If the dtype is neither an integer nor bool.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([0i64, 5, -1]).bitwise_not()?.to_vec::<i64>()?, [-1, -6, 0]);
    /// assert_eq!((!&Tensor::from([true, false])).to_vec::<bool>()?, [false, true]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn bitwise_not(&self) -> Result<Tensor> {
        let ones = ones(self.dtype())?;
        if self.dtype() == DType::Bool { Ok(self.logical_not()) } else { self.bitwise_xor(ones) }
    }

    /// [`Tensor::bitwise_not`] in place.
    ///
    /// # Errors
    /// As there; also for tensors in which several indices share an element.
    #[inline]
    pub fn bitwise_not_(&self) -> Result<Tensor> {
        let ones = ones(self.dtype())?;
        if self.dtype() == DType::Bool { self.bitwise_xor_(true) } else { self.bitwise_xor_(ones) }
    }
}
