//! Transposed convolutions: the gradient of a convolution's input is their result, and the convolution the gradient of theirs.

use super::super::{Buf, Grad, Pass};
use super::{read, read_option, wants};
use crate::kernels::conv::{self, Conv2d, Epilogue};
use crate::kernels::isa;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::kernels::reduce::{Plan, Sum, reduce};
use crate::layout::contiguous_strides;
use crate::nn::functional::{ConvTransposeOptions, transposed_of};
use crate::{Result, Tensor, nn};

/// The parameters of a transposed convolution, and how it is done.
#[derive(Clone, Copy)]
pub struct ConvTranspose<'a> {
    weight: &'a Tensor,
    bias: Option<&'a Tensor>,
    options: Options<'a>,
}

#[derive(Clone, Copy)]
enum Options<'a> {
    One(&'a ConvTransposeOptions<1>),
    Two(&'a ConvTransposeOptions<2>),
}

macro_rules! from_layers {
    ($($layer:ident $axes:ident;)*) => {$(
        impl<'a> From<&'a nn::$layer> for ConvTranspose<'a> {
            #[inline]
            fn from(layer: &'a nn::$layer) -> Self {
                let options = Options::$axes(&layer.options);
                Self { weight: &layer.weight, bias: layer.bias.as_ref(), options }
            }
        }
    )*};
}
from_layers! {
    ConvTranspose1d One;
    ConvTranspose2d Two;
}

impl ConvTranspose<'_> {
    /// The convolution that goes the other way.
    #[inline]
    fn geometry(&self, input: &[usize]) -> Result<Conv2d> {
        let weight = self.weight.shape();
        match self.options {
            Options::One(options) => transposed_of("conv_transpose1d", input, weight, options),
            Options::Two(options) => transposed_of("conv_transpose2d", input, weight, options),
        }
    }
}

impl Pass {
    /// `conv_transpose(x) + b` of sequences or images.
    ///
    /// # Errors
    /// If the layer does not fit the shape, or what the elements are is unknown.
    pub fn conv_transpose(
        &mut self,
        inputs: &[(Buf, &[usize])],
        layer: ConvTranspose<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of a transposed convolution")?;
        let geometry = *self.fact(|| layer.geometry(shape))?;
        let grad = self.recording && (x.grad || wants(&[Some(layer.weight), layer.bias]));
        let positions = geometry.size[0] * geometry.size[1];
        let y = self.result(geometry.batch * geometry.in_channels * positions, grad);
        if !self.planning {
            let ((w, _w), (bias, _b)) = (read(layer.weight), read_option(layer.bias));
            // SAFETY: buffers of the pass of the geometry's sizes; the parameters are locked and were checked.
            unsafe {
                conv::input_grad(isa(), &geometry, x.f32().cast_const(), w, y.f32());
                if let Some(bias) = bias {
                    add_to_channels(bias, geometry.in_channels, positions, y);
                }
            }
        }
        self.save(x, grad && layer.weight.requires_grad());
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::conv_transpose`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn conv_transpose_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        layer: ConvTranspose<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let geometry = *self.fact(|| layer.geometry(shapes[0]))?;
        let x = self.saved();
        let Some(g) = g[0] else { return Ok(()) };
        let sizes = [geometry.batch, geometry.in_channels, geometry.size[0] * geometry.size[1]];
        // SAFETY: here and below, the geometry's sizes; the gradients have the parameters' shapes.
        self.parameter_grad(layer.bias, |db| unsafe { sum_channels(g, sizes, db) })?;
        // SAFETY: as above.
        self.parameter_grad(Some(layer.weight), |dw| unsafe {
            conv::weight_grad(isa(), &geometry, g.f32().cast_const(), x.f32().cast_const(), dw);
        })?;
        if x.grad {
            let dx = self.numbers(x.len, false);
            if !self.planning {
                let (w, _guard) = read(layer.weight);
                // SAFETY: as above.
                unsafe { conv::forward(isa(), &geometry, g.f32(), w, &Epilogue::NONE, dx.f32()) };
            }
            self.contribute(into[0], Some(dx));
        }
        Ok(())
    }
}

/// The sum of every channel of `[batch, channels, positions]`.
///
/// # Safety
/// The buffer has these sizes, and there is room for as many sums.
pub(super) unsafe fn sum_channels(g: Buf, sizes: [usize; 3], sums: *mut f32) {
    let plan = Plan::new(&sizes, &contiguous_strides(&sizes), &[true, false, true]);
    // SAFETY: the caller's promise.
    unsafe { reduce::<Sum, f32>(&plan, g.ptr, sums.cast(), 1.0) }
}

/// Adds a number per channel to `[.., channels, positions]`.
///
/// # Safety
/// There are as many numbers, and nobody else uses the buffer.
pub(super) unsafe fn add_to_channels(bias: *const f32, channels: usize, positions: usize, y: Buf) {
    let shared = Shared((bias, y.f32()));
    let planes = y.len / positions.max(1);
    parallel::for_each_chunk(planes, (GRAIN / positions.max(1)).max(1), |range| {
        let (bias, y) = shared.get();
        for plane in range {
            // SAFETY: the caller's promise; planes are disjoint.
            unsafe {
                let bias = *bias.add(plane % channels);
                let plane = std::slice::from_raw_parts_mut(y.add(plane * positions), positions);
                plane.iter_mut().for_each(|y| *y += bias);
            }
        }
    });
}
