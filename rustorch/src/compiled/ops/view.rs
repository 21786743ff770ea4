//! Other arrangements of the same elements.

use super::super::{Buf, Grad, Pass};
use crate::layout::{Dims, contiguous_strides};
use crate::ops::elementwise::copy_strided;

impl Pass {
    /// The same elements under another shape: another user of the buffer.
    pub fn reshape(&mut self, x: Buf) -> Buf {
        self.decline();
        self.retain(x)
    }

    /// The gradient of [`Pass::reshape`], and of everything else that hands a tensor on: contributes `g`, which stays with its user.
    pub fn share(&mut self, g: Grad, gx: &mut Grad) {
        if let Some(g) = g {
            let g = self.retain(g);
            self.contribute(gx, Some(g));
        }
    }

    /// The axes in another order: axis `i` of the result is axis `dims[i]` of `x`, which has this shape.
    pub fn permute(&mut self, x: Buf, shape: &[usize], dims: &[usize]) -> Buf {
        let grad = self.recording && x.grad;
        let y = self.result(x.len, grad);
        if !self.planning {
            let strides = contiguous_strides(shape);
            let from: Dims = dims.iter().map(|&axis| strides[axis]).collect();
            let sizes: Dims = dims.iter().map(|&axis| shape[axis]).collect();
            let to = contiguous_strides(&sizes);
            // SAFETY: buffers of the pass, of the same length.
            unsafe { copy_strided(x.ptr, from, y.ptr, to, &sizes) };
        }
        self.save(x, false);
        y
    }

    /// The gradient of [`Pass::permute`].
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
            unsafe { copy_strided(g.ptr, from, dx.ptr, to, &sizes) };
        }
        self.contribute(gx, Some(dx));
    }
}
