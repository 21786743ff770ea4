//! Convolution in two dimensions, and by it in one: a sequence is an image of height 1.

use super::super::{Buf, Grad, Pass};
use super::elementwise::{apply, derive};
use super::linear::{Act, fused};
use super::{add_into, numel, read, read_option, wants};
use crate::kernels::conv::{Direction, Epilogue, Target};
use crate::kernels::gemm::Activation;
use crate::kernels::{conv, isa, scratch};
use crate::layout::Dims;
use crate::nn;
use crate::nn::functional::{ConvOptions, geometry_of};
use crate::ops::conv::kept_weights;
use crate::{Result, Tensor};

/// The parameters of a convolution, and how it is done.
#[derive(Clone, Copy)]
pub struct Conv<'a> {
    pub(super) weight: &'a Tensor,
    pub(super) bias: Option<&'a Tensor>,
    options: Options<'a>,
}

#[derive(Clone, Copy)]
enum Options<'a> {
    One(&'a ConvOptions<1>),
    Two(&'a ConvOptions<2>),
}

macro_rules! from_layers {
    ($($layer:ident $axes:ident;)*) => {$(
        impl<'a> From<&'a nn::$layer> for Conv<'a> {
            fn from(layer: &'a nn::$layer) -> Self {
                let options = Options::$axes(&layer.options);
                Self { weight: &layer.weight, bias: layer.bias.as_ref(), options }
            }
        }
    )*};
}
from_layers! {
    Conv1d One;
    Conv2d Two;
}

impl Conv<'_> {
    #[inline]
    pub(super) fn geometry(&self, input: &[usize]) -> Result<conv::Conv2d> {
        match self.options {
            Options::One(options) => geometry_of("conv1d", input, self.weight.shape(), options),
            Options::Two(options) => geometry_of("conv2d", input, self.weight.shape(), options),
        }
    }

    /// The shape of a result with its batch.
    #[inline]
    pub(super) fn output(&self, geometry: &conv::Conv2d) -> Dims {
        let [height, width] = geometry.out;
        let (batch, channels) = (geometry.batch, geometry.out_channels);
        match self.options {
            Options::One(_) => Dims::from_slice(&[batch, channels, width]),
            Options::Two(_) => Dims::from_slice(&[batch, channels, height, width]),
        }
    }
}

impl Pass {
    /// `act(conv(x) + b)` for `x` of `shape` `[batch, channels, height, width]`, or `[batch, channels, length]`.
    ///
    /// # Errors
    /// If the layer does not fit the shape.
    pub fn conv2d(&mut self, x: Buf, shape: &[usize], layer: Conv<'_>, act: Act<'_>) -> Result<Buf> {
        let geometry = *self.fact(|| layer.geometry(shape))?;
        let own = wants(&[Some(layer.weight), layer.bias]);
        let grad = self.recording && (x.grad || own);
        let len = geometry.batch * geometry.out_channels * numel(&geometry.out);
        let y = self.result(len, grad);
        let (z, last) = match act {
            None => (y, Activation::Identity),
            Some((op, _)) => match fused(op) {
                Some(activation) if !grad || op.saves_output() => (y, activation),
                _ => (self.numbers(len, grad), Activation::Identity),
            },
        };
        if !self.planning {
            let ((w, _w), (b, _b)) = (read(layer.weight), read_option(layer.bias));
            let epilogue = Epilogue { bias: b, residual: None, activation: last };
            let (from, to) = (x.f32().cast_const(), z.f32());
            // SAFETY: buffers of the pass of the geometry's sizes; the parameters are locked and were checked.
            unsafe { run(&geometry, from, layer, w, &epilogue, Target::Plain(to)) };
            if let (Some((op, params)), true) = (act, z.ptr != y.ptr) {
                // SAFETY: as above.
                unsafe { apply(op, params, z.f32(), y.f32(), len) };
            }
        }
        self.save(x, grad && layer.weight.requires_grad());
        if let Some((op, _)) = act {
            self.save(if op.saves_output() { y } else { z }, grad);
        }
        if z.home != y.home {
            self.release(z);
        }
        Ok(y)
    }

    /// The gradient of [`Pass::conv2d`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn conv2d_backward(
        &mut self,
        g: Grad,
        shape: &[usize],
        layer: Conv<'_>,
        act: Act<'_>,
        gx: &mut Grad,
    ) -> Result<()> {
        let geometry = *self.fact(|| layer.geometry(shape))?;
        let value = act.map(|_| self.saved());
        let x = self.saved();
        let Some(g) = g else { return Ok(()) };
        let dz = match (act, value) {
            (Some((op, params)), Some(value)) => {
                let dz = self.numbers(g.len, false);
                if !self.planning {
                    // SAFETY: buffers of the pass, of the same length.
                    unsafe { derive(op, params, g.f32(), value.f32(), dz.f32(), g.len) };
                }
                dz
            }
            _ => self.retain(g),
        };
        self.conv2d_gradients(dz, x, &geometry, layer, gx)?;
        self.release(dz);
        Ok(())
    }

    /// The gradients of the parameters and of the input from that of the convolution's own result.
    pub(super) fn conv2d_gradients(
        &mut self,
        dz: Buf,
        x: Buf,
        geometry: &conv::Conv2d,
        layer: Conv<'_>,
        gx: &mut Grad,
    ) -> Result<()> {
        // SAFETY: the geometry's sizes; the gradients have the parameters' shapes.
        self.parameter_grad(layer.bias, |db| unsafe {
            conv::bias_grad(geometry, dz.f32().cast_const(), db);
        })?;
        // SAFETY: as above.
        self.parameter_grad(Some(layer.weight), |dw| unsafe {
            conv::weight_grad(isa(), geometry, x.f32().cast_const(), dz.f32().cast_const(), dw);
        })?;
        if x.grad {
            let into = match *gx {
                Some(old) if self.may_overwrite(old) => Some(old),
                _ => None,
            };
            let dx = match into {
                Some(old) => old,
                None => self.numbers(x.len, false),
            };
            if !self.planning {
                let (w, _guard) = read(layer.weight);
                let run = |to: *mut f32| {
                    // SAFETY: the geometry's sizes.
                    unsafe { conv::input_grad(isa(), geometry, dz.f32().cast_const(), w, to) };
                };
                match into {
                    None => run(dx.f32()),
                    Some(_) => scratch::with(dx.len, |part: *mut f32| {
                        run(part);
                        // SAFETY: both have as many elements as the input.
                        unsafe { add_into(dx.f32(), dx.f32(), part, dx.len) };
                    }),
                }
            }
            if into.is_none() {
                self.contribute(gx, Some(dx));
            }
        }
        Ok(())
    }
}

/// The convolution, with weights in the kernel's order, which are kept in inference.
///
/// # Safety
/// As for [`conv::forward_packed`]; `w` are the layer's weights, locked for reading.
pub(super) unsafe fn run(
    geometry: &conv::Conv2d,
    x: *const f32,
    layer: Conv<'_>,
    w: *const f32,
    epilogue: &Epilogue<f32>,
    target: Target<f32>,
) {
    let forward = |packed: *const f32| {
        // SAFETY: the caller's promise.
        unsafe { conv::forward_packed(isa(), geometry, x, packed, epilogue, target) };
    };
    match kept_weights::<f32>(geometry, layer.weight) {
        Some(kept) => forward(kept.1.as_ptr()),
        None => {
            let len = conv::packed_len::<f32>(isa(), geometry, Direction::Forward);
            scratch::with(len, |packed: *mut f32| {
                // SAFETY: the buffer has the room that was asked for.
                unsafe { conv::pack(isa(), geometry, Direction::Forward, w, packed) };
                forward(packed);
            });
        }
    }
}
