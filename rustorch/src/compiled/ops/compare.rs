//! Comparisons and logic: truth values.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::elementwise::{Truth, broadcast_strides};
use super::numel;
use crate::ops::elementwise::{Mixed, truth};
use crate::{DType, Result, Scalar};

impl Pass {
    /// Whether something holds of elements, of those of two tensors, or of those of one and a number.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn compare(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (op, number): (Truth, Option<Scalar>),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.decline();
        for (input, _) in inputs {
            self.expect_known(*input, "a tensor to be compared")?;
        }
        let shape = outputs[0];
        let y = Buf { dtype: Some(DType::Bool), ..self.allocate(numel(shape), DType::Bool.size(), false) };
        if !self.planning {
            let mut operands: SmallVec<[Mixed; 2]> = SmallVec::new();
            for (input, own) in inputs {
                operands.push(Mixed::Values {
                    ptr: input.ptr.cast_const(),
                    dtype: input.dtype.unwrap_or(DType::F32),
                    strides: broadcast_strides(own, shape),
                    rank: own.len(),
                });
            }
            operands.extend(number.map(Mixed::Number));
            // SAFETY: buffers of the pass of these shapes.
            unsafe { truth(op.0, &operands, y.ptr, shape) };
        }
        made[0] = y;
        Ok(())
    }

    /// Truth values have no gradient.
    ///
    /// # Errors
    /// None.
    pub fn compare_backward(
        &mut self,
        _: &[Grad],
        _: &[&[usize]],
        _: (Truth, Option<Scalar>),
        _: &[&[usize]],
        _: &mut [&mut Grad],
    ) -> Result<()> {
        Ok(())
    }
}
