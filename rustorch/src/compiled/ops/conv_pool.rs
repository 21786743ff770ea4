//! Convolution, activation and max pooling in one: with windows of 2×2 side by side, the convolution's own result never
//! leaves the cache.

use super::super::{Buf, Grad, Pass};
use super::conv::{Conv, run};
use super::linear::{Act, fused};
use super::pool::Pool;
use super::{numel, read, read_option, wants};
use crate::Result;
use crate::kernels::conv::{Conv2d as Geometry, Epilogue, Target, can_pool};
use crate::kernels::gemm::Activation;
use crate::kernels::isa;
use crate::kernels::pooling::{HalveBackward, halve_backward};

/// The activation to fuse with convolution and pooling, if these can be fused.
fn fusible(geometry: &Geometry, act: Act<'_>, pool: Pool<'_>) -> Option<Activation> {
    let activation = match act {
        None => Activation::Identity,
        Some((op, _)) => fused(op).filter(|activation| *activation == Activation::Relu)?,
    };
    let epilogue = Epilogue::<f32> { activation, ..Epilogue::NONE };
    (pool.halves() && can_pool(geometry, &epilogue)).then_some(activation)
}

impl Pass {
    /// `max_pool(act(conv(x) + b))` for `x` of `shape` `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// If layer or windows do not fit the shape.
    pub fn conv2d_max_pool(
        &mut self,
        x: Buf,
        shape: &[usize],
        layer: Conv<'_>,
        act: Act<'_>,
        pool: Pool<'_>,
        out: &[usize],
    ) -> Result<Buf> {
        let geometry = *self.fact(|| layer.geometry(shape))?;
        let Some(activation) = fusible(&geometry, act, pool) else {
            // The result that is wanted is that of the pooling.
            let wanted = self.wanted.take();
            let y = self.conv2d(x, shape, layer, act)?;
            self.wanted = wanted;
            let pooled = self.maxima(y, &layer.output(&geometry), pool, out)?;
            self.release(y);
            return Ok(pooled);
        };
        let own = wants(&[Some(layer.weight), layer.bias]);
        let grad = self.recording && (x.grad || own);
        let len = geometry.batch * geometry.out_channels * numel(&geometry.out) / 4;
        let y = self.result(len, grad);
        let codes = self.allocate(if grad { len } else { 0 }, 1, grad);
        if !self.planning {
            let ((w, _w), (bias, _b)) = (read(layer.weight), read_option(layer.bias));
            let epilogue = Epilogue { bias, residual: None, activation };
            let target = Target::Pooled { y: y.f32(), codes: grad.then_some(codes.ptr) };
            // SAFETY: buffers of the pass of the geometry's sizes; the parameters are locked and were checked.
            unsafe { run(&geometry, x.f32().cast_const(), layer, w, &epilogue, target) };
        }
        self.save(x, grad && layer.weight.requires_grad());
        self.save(y, grad && activation == Activation::Relu);
        self.save(codes, grad);
        self.release(codes);
        Ok(y)
    }

    /// The gradient of [`Pass::conv2d_max_pool`].
    ///
    /// # Errors
    /// If there is not enough memory.
    #[expect(clippy::too_many_arguments, reason = "generated code writes them all")]
    pub fn conv2d_max_pool_backward(
        &mut self,
        g: Grad,
        shape: &[usize],
        layer: Conv<'_>,
        act: Act<'_>,
        pool: Pool<'_>,
        out: &[usize],
        gx: &mut Grad,
    ) -> Result<()> {
        let geometry = *self.fact(|| layer.geometry(shape))?;
        let Some(activation) = fusible(&geometry, act, pool) else {
            let mut dy: Grad = None;
            self.maxima_backward(g, &layer.output(&geometry), pool, out, &mut dy)?;
            self.conv2d_backward(dy, shape, layer, act, gx)?;
            self.release_grad(dy);
            return Ok(());
        };
        let codes = self.saved();
        let y = self.saved();
        let x = self.saved();
        let Some(g) = g else { return Ok(()) };
        let dz = self.numbers(4 * g.len, false);
        if !self.planning {
            let work = HalveBackward {
                planes: geometry.batch * geometry.out_channels,
                size: geometry.out,
                dy: g.f32().cast_const(),
                codes: codes.ptr.cast_const(),
                gate: (activation == Activation::Relu).then(|| y.f32().cast_const()),
                dx: dz.f32(),
            };
            // SAFETY: buffers of the pass of these sizes.
            unsafe { halve_backward(isa(), &work) };
        }
        self.conv2d_gradients(dz, x, &geometry, layer, gx)?;
        self.release(dz);
        Ok(())
    }
}
