//! Whether any or all elements along some axes are true.

use super::super::{Buf, Grad, Pass};
use super::elementwise::{broadcast_strides, operators};
use super::numel;
use crate::kernels::reduce::{self as kernel, Maximum, Minimum, Plan};
use crate::layout::contiguous_strides;
use crate::ops::elementwise::{Mixed, truth};
use crate::{DType, Result, Scalar};

impl Pass {
    /// Whether any element along these axes is not 0, or all are; of elements of any dtype.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn logic(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axes, all): (&[usize], bool),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.decline();
        let (x, shape) = inputs[0];
        let dtype = self.expect_known(x, "a tensor of which truths are asked")?;
        let plan = self.fact(|| {
            let reduced: Vec<bool> = (0..shape.len()).map(|axis| axes.contains(&axis)).collect();
            Ok(Plan::new(shape, &contiguous_strides(shape), &reduced))
        })?;
        // PyTorch's bytes were its bools once.
        let answer = if dtype == DType::U8 { dtype } else { DType::Bool };
        let y = Buf { dtype: Some(answer), ..self.allocate(numel(outputs[0]), answer.size(), false) };
        let truths = (dtype != DType::Bool).then(|| self.allocate(x.len, DType::Bool.size(), false));
        if !self.planning {
            let from = truths.map_or(x.ptr, |truths| truths.ptr);
            // SAFETY: buffers of the pass of these shapes; truth values are bytes, 0 or 1.
            unsafe {
                if let Some(truths) = truths {
                    let strides = broadcast_strides(shape, shape);
                    let (ptr, rank) = (x.ptr.cast_const(), shape.len());
                    let values = Mixed::Values { ptr, dtype, strides, rank };
                    let operands = [values, Mixed::Number(Scalar::Int(0))];
                    truth(operators::ne.0, &operands, truths.ptr, shape);
                }
                match all {
                    true => kernel::reduce::<Minimum, u8>(&plan, from, y.ptr, 1.0),
                    false => kernel::reduce::<Maximum, u8>(&plan, from, y.ptr, 1.0),
                }
            }
        }
        if let Some(truths) = truths {
            self.release(truths);
        }
        made[0] = y;
        Ok(())
    }

    /// Truth values have no gradient.
    ///
    /// # Errors
    /// None.
    pub fn logic_backward(
        &mut self,
        _: &[Grad],
        _: &[&[usize]],
        _: (&[usize], bool),
        _: &[&[usize]],
        _: &mut [&mut Grad],
    ) -> Result<()> {
        Ok(())
    }
}
