//! Where the results of a pass go, and what a pass demands of them.

use super::{Buf, Pass};
use crate::{DType, Device, Error, Result, Tensor};

impl Pass {
    /// Checks, while planning, that a result has the size that it was declared with: the options of layers are public.
    ///
    /// # Errors
    /// If it has another one.
    pub fn expect(&self, result: Buf, shape: &[usize]) -> Result<()> {
        if self.planning && result.len != shape.iter().product::<usize>() {
            return Err(Error::argument(
                "model",
                format!(
                    "an operation gives {} elements where {shape:?} was declared; were the options of a layer changed?",
                    result.len
                ),
            ));
        }
        Ok(())
    }

    /// [`Pass::expect`], and what nobody uses after the step that made the result.
    ///
    /// # Errors
    /// If the result has another size.
    pub fn done<const N: usize>(&mut self, result: Buf, shape: &[usize], dead: [Buf; N]) -> Result<()> {
        self.expect(result, shape)?;
        dead.into_iter().for_each(|buf| self.release(buf));
        Ok(())
    }

    /// Makes the output tensors of these shapes, if the pass has not been given any; otherwise checks theirs.
    ///
    /// # Errors
    /// If there is not enough memory, or a given output has another shape.
    pub fn outputs(&mut self, shapes: &[&[usize]]) -> Result<()> {
        if self.depth > 0 || self.planning {
            return Ok(());
        }
        if self.is_copied {
            return self.check_outputs(shapes);
        }
        if self.outputs.is_empty() {
            for (number, shape) in shapes.iter().enumerate() {
                // Where a result is no number, this only remembers the shape.
                let dtype = if self.numeric.get(number) != Some(&false) { DType::F32 } else { DType::U8 };
                self.outputs.push(Tensor::uninit(shape, dtype, Device::Cpu)?);
            }
        }
        Ok(())
    }

    /// The result of the next operation is this output.
    pub fn output(&mut self, number: usize) {
        if self.depth == 0 && !self.is_copied {
            self.wanted = Some(number);
        }
    }

    /// No operation takes the place of an output any more.
    pub(super) fn decline(&mut self) {
        self.wanted = None;
    }

    fn check_outputs(&self, shapes: &[&[usize]]) -> Result<()> {
        for (number, (output, shape)) in self.outputs.iter().zip(shapes).enumerate() {
            if output.shape() != *shape {
                let message =
                    format!("output {number} has shape {:?}, but the result is {shape:?}", output.shape());
                return Err(Error::argument("forward_into", message));
            }
        }
        Ok(())
    }

    /// Says, while planning, that the pass does not apply to these inputs, parameters or options: the network runs op by op.
    ///
    /// # Errors
    /// Always, so that planning ends.
    #[inline]
    pub(super) fn refuse(&mut self, why: String) -> Result<()> {
        let error = Error::argument("compiled pass", why.clone());
        self.refusal = Some(why);
        Err(error)
    }

    /// What the elements of a tensor are that a kernel moves, whatever they are.
    ///
    /// # Errors
    /// If that is unknown, which is no error of the network: it runs op by op then.
    pub(super) fn expect_known(&mut self, buf: Buf, what: &str) -> Result<DType> {
        if buf.dtype.is_none() {
            self.refuse(format!("what {what} holds is unknown"))?;
        }
        Ok(buf.dtype.unwrap_or(DType::F32))
    }

    /// The buffer for a result with `len` elements of `x`, which are of this dtype.
    #[inline]
    pub(super) fn result_like(&mut self, x: Buf, dtype: DType, len: usize) -> Buf {
        let grad = self.recording && x.grad;
        if dtype == DType::F32 {
            return self.result(len, grad);
        }
        self.decline();
        Buf { dtype: Some(dtype), ..self.allocate(len, dtype.size(), grad) }
    }

    /// Checks, while planning, that a tensor which kernels read holds numbers.
    ///
    /// # Errors
    /// If it does not, which is no error of the network: it runs op by op then.
    pub fn expect_numbers(&mut self, buf: Buf, what: &str) -> Result<()> {
        if !self.planning || buf.is_numbers() {
            return Ok(());
        }
        let dtype = buf.dtype.map_or("not a number".to_string(), |dtype| dtype.to_string());
        self.refuse(format!("{what} is {dtype}, where kernels expect float32"))
    }
}
