//! Other arrangements of the same elements.

use super::super::buf::Home;
use super::super::{Buf, Grad, Pass};
use super::{add_into, read};
use crate::layout::{Dims, contiguous_strides};
use crate::ops::elementwise::copy_strided;
use crate::{DType, Result, Tensor, no_grad};

impl Pass {
    /// The same elements under another shape: another user of the buffer.
    pub fn reshape(&mut self, x: Buf) -> Buf {
        self.decline();
        self.retain(x)
    }

    /// The same elements, of which no gradient is asked.
    #[inline]
    pub fn detach(&mut self, x: Buf) -> Buf {
        Buf { grad: false, ..self.reshape(x) }
    }

    /// A parameter or buffer of the network as a tensor of the pass; nobody may write to it until the pass is over.
    #[inline]
    pub fn state(&mut self, tensor: &Tensor) -> Buf {
        self.decline();
        let grad = self.recording && tensor.requires_grad();
        let held = self.hold(tensor.clone(), grad);
        if !self.planning {
            self.lock(tensor);
            if let (true, Home::Tensor(number)) = (self.recording, held.home) {
                self.states.push((tensor.clone(), number));
            }
        }
        held
    }

    /// A table whose rows its layer may scale down in place, as it is now.
    #[inline]
    pub fn table(&mut self, tensor: &Tensor) -> Buf {
        self.decline();
        let y = self.numbers(tensor.numel(), self.recording && tensor.requires_grad());
        if !self.planning {
            let (table, _guard) = read(tensor);
            // SAFETY: a buffer of the pass of this size; the table is locked.
            unsafe { std::ptr::copy_nonoverlapping(table, y.f32(), y.len) };
        }
        y
    }

    /// A copy of a buffer that a layer may write to while the pass goes on.
    #[inline]
    pub fn snapshot(&mut self, tensor: &Tensor) -> Buf {
        self.decline();
        let copy = no_grad(|| tensor.copy());
        self.hold(copy, false)
    }

    /// The gradient of [`Pass::state`] and [`Pass::table`]; that of [`Pass::snapshot`] goes nowhere.
    ///
    /// # Errors
    /// If there is not enough memory.
    #[inline]
    pub fn state_backward(&mut self, g: Grad, tensor: &Tensor) -> Result<()> {
        let Some(g) = g.filter(|_| !self.planning) else { return Ok(()) };
        let Some(target) = self.parameters.target(tensor)? else { return Ok(()) };
        // SAFETY: a gradient has the shape of what it is the gradient of, and memory of its own.
        unsafe {
            match target.accumulate {
                true => add_into(target.ptr, target.ptr, g.f32(), g.len),
                false => std::ptr::copy_nonoverlapping(g.f32(), target.ptr, g.len),
            }
        }
        Ok(())
    }

    /// The gradient of [`Pass::reshape`], and of everything else that hands a tensor on: contributes `g`, which stays with its user.
    pub fn share(&mut self, g: Grad, gx: &mut Grad) {
        if let Some(g) = g {
            let g = self.retain(g);
            self.contribute(gx, Some(g));
        }
    }

    /// The axes in another order: axis `i` of the result is axis `dims[i]` of `x`, which has this shape.
    ///
    /// # Errors
    /// If it is unknown what the elements are.
    #[inline]
    pub fn permute(&mut self, x: Buf, shape: &[usize], dims: &[usize]) -> Result<Buf> {
        let dtype = self.expect_known(x, "a tensor to be transposed")?;
        let y = self.result_like(x, dtype, x.len);
        if !self.planning {
            let strides = contiguous_strides(shape);
            let from: Dims = dims.iter().map(|&axis| strides[axis]).collect();
            let sizes: Dims = dims.iter().map(|&axis| shape[axis]).collect();
            let to = contiguous_strides(&sizes);
            // SAFETY: buffers of the pass, of the same length.
            unsafe { copy_strided(dtype, x.ptr, from, y.ptr, to, &sizes) };
        }
        self.save(x, false);
        Ok(y)
    }

    /// The gradient of [`Pass::permute`].
    #[inline]
    pub fn permute_backward(&mut self, g: Grad, shape: &[usize], dims: &[usize], gx: &mut Grad) {
        let x = self.saved();
        let Some(g) = g.filter(|_| x.grad) else { return };
        let dx = self.numbers(g.len, false);
        if !self.planning {
            let strides = contiguous_strides(shape);
            let to: Dims = dims.iter().map(|&axis| strides[axis]).collect();
            let sizes: Dims = dims.iter().map(|&axis| shape[axis]).collect();
            let from = contiguous_strides(&sizes);
            // SAFETY: buffers of the pass, of the same length.
            unsafe { copy_strided(DType::F32, g.ptr, from, dx.ptr, to, &sizes) };
        }
        self.contribute(gx, Some(dx));
    }
}
