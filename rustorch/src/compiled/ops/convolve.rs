//! Convolutions whose weights are tensors of the pass.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::conv::{self, Epilogue};
use crate::kernels::isa;
use crate::nn::functional::{ConvOptions, geometry_of};

/// The function that errors are told of.
fn op<const N: usize>() -> &'static str {
    if N == 1 { "conv1d" } else { "conv2d" }
}

impl Pass {
    /// `conv(x, weight) + bias` of sequences or images, if there is a third input.
    ///
    /// # Errors
    /// If the weight does not fit the shape, or what the elements are is unknown.
    pub fn convolve<const N: usize>(
        &mut self,
        inputs: &[(Buf, &[usize])],
        options: &ConvOptions<N>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        for (input, _) in inputs {
            self.expect_numbers(*input, "an operand of a convolution")?;
        }
        let [(x, shape), (w, weight)] = [inputs[0], inputs[1]];
        let bias = inputs.get(2).map(|(bias, _)| *bias);
        let geometry = *self.fact(|| geometry_of(op::<N>(), shape, weight, options))?;
        let grad = self.recording && inputs.iter().any(|(input, _)| input.grad);
        let y = self.result(geometry.batch * geometry.out_channels * numel(&geometry.out), grad);
        if !self.planning {
            let bias = bias.map(|bias| bias.f32().cast_const());
            let epilogue = Epilogue { bias, ..Epilogue::NONE };
            // SAFETY: buffers of the pass of the geometry's sizes.
            unsafe { conv::forward(isa(), &geometry, x.f32(), w.f32(), &epilogue, y.f32()) };
        }
        self.save(x, grad && w.grad);
        self.save(w, grad && x.grad);
        if let Some(bias) = bias {
            self.save(bias, false);
        }
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::convolve`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    pub fn convolve_backward<const N: usize>(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        options: &ConvOptions<N>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let geometry = *self.fact(|| geometry_of(op::<N>(), shapes[0], shapes[1], options))?;
        let bias = (shapes.len() > 2).then(|| self.saved());
        let (w, x) = (self.saved(), self.saved());
        let Some(g) = g[0] else { return Ok(()) };
        let dy = g.f32().cast_const();
        if let Some(bias) = bias.filter(|bias| bias.grad) {
            let db = self.numbers(bias.len, false);
            if !self.planning {
                // SAFETY: here and below, buffers of the pass of the geometry's sizes.
                unsafe { conv::bias_grad(&geometry, dy, db.f32()) };
            }
            self.contribute(into[2], Some(db));
        }
        if w.grad {
            let dw = self.numbers(w.len, false);
            if !self.planning {
                // SAFETY: as above.
                unsafe { conv::weight_grad(isa(), &geometry, x.f32().cast_const(), dy, dw.f32()) };
            }
            self.contribute(into[1], Some(dw));
        }
        if x.grad {
            let dx = self.numbers(x.len, false);
            if !self.planning {
                // SAFETY: as above.
                unsafe { conv::input_grad(isa(), &geometry, dy, w.f32().cast_const(), dx.f32()) };
            }
            self.contribute(into[0], Some(dx));
        }
        Ok(())
    }
}
