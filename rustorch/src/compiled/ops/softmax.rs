//! Softmax along an axis.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::isa;
use crate::kernels::softmax::{self, Kind, Shape};

/// A tensor as softmax sees it.
#[inline]
fn around(shape: &[usize], axis: usize) -> Shape {
    let inner = numel(&shape[axis + 1..]);
    Shape { outer: numel(&shape[..axis]), dim: shape[axis], inner }
}

fn kind(logarithm: bool) -> Kind {
    if logarithm { Kind::LogSoftmax } else { Kind::Softmax }
}

impl Pass {
    /// Softmax along an axis, or its logarithm.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn softmax(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axis, logarithm): (usize, bool),
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of a softmax")?;
        let grad = self.recording && x.grad;
        let y = self.result(x.len, grad);
        if !self.planning {
            // SAFETY: buffers of the pass, of the same shape.
            unsafe { softmax::forward(isa(), kind(logarithm), around(shape, axis), x.f32(), y.f32()) };
        }
        self.save(y, grad);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::softmax`].
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn softmax_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (axis, logarithm): (usize, bool),
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let y = self.saved();
        let Some(g) = g[0].filter(|_| y.grad) else { return Ok(()) };
        let dx = self.numbers(y.len, false);
        if !self.planning {
            let shape = around(shapes[0], axis);
            // SAFETY: buffers of the pass, of the same shape.
            unsafe { softmax::backward(isa(), kind(logarithm), shape, y.f32(), g.f32(), dx.f32()) };
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}
