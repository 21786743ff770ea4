//! Max pooling in two dimensions.

use std::mem::MaybeUninit;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::pooling::{self, Axis};
use crate::ops::pooling::{Windows, windows};
use rustorch_shape::rules::{self, PoolOptions};

/// The windows of a max pooling.
#[derive(Clone, Copy)]
pub struct MaxPool {
    /// Height and width of a window.
    pub kernel: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// What lies around the plane.
    pub padding: [usize; 2],
    /// Steps between the taps of a window.
    pub dilation: [usize; 2],
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
}

impl From<&crate::nn::MaxPool2d> for MaxPool {
    fn from(layer: &crate::nn::MaxPool2d) -> Self {
        let crate::nn::MaxPool2d { kernel, stride, padding, dilation, ceil_mode } = *layer;
        Self { kernel, stride, padding, dilation, ceil_mode }
    }
}

impl MaxPool {
    /// Whether the windows are of 2×2 and lie side by side.
    pub(super) fn halves(self) -> bool {
        let MaxPool { kernel, stride, padding, dilation, .. } = self;
        (kernel, stride, padding, dilation) == ([2, 2], [2, 2], [0, 0], [1, 1])
    }

    fn windows(self, shape: &[usize]) -> Result<Windows> {
        let rule = PoolOptions {
            kernel: &self.kernel,
            stride: &self.stride,
            padding: &self.padding,
            dilation: &self.dilation,
            ceil_mode: self.ceil_mode,
        };
        let out = rules::pool("max_pool2d", shape, rule, &mut ())?;
        let last = shape.len() - 2;
        let along = |axis: usize| {
            let (size, count) = (shape[last + axis], out[last + axis]);
            windows(
                size,
                count,
                self.kernel[axis],
                self.stride[axis],
                self.padding[axis],
                self.dilation[axis],
                false,
            )
        };
        let size = [shape[last], shape[last + 1]];
        let (rows, columns) = (along(0), along(1));
        let axes = Some([0, 1].map(|axis| Axis {
            kernel: self.kernel[axis],
            stride: self.stride[axis],
            padding: self.padding[axis],
        }));
        let windows =
            Windows { op: "max_pool2d", size, rows, columns, dilation: self.dilation, divisor: None, axes };
        windows.check()?;
        Ok(windows)
    }
}

impl Pass {
    /// The greatest element of every window of the last two axes.
    ///
    /// # Errors
    /// If the windows do not fit the shape.
    pub fn max_pool2d(&mut self, x: Buf, shape: &[usize], pool: MaxPool) -> Result<Buf> {
        let windows = self.fact(|| pool.windows(shape))?;
        let planes = numel(&shape[..shape.len() - 2]);
        let len = planes * numel(&windows.output());
        let grad = self.recording && x.grad;
        let y = self.result(len, grad);
        let places = self.allocate(len, size_of::<i32>(), x.grad);
        if !self.planning {
            // SAFETY: buffers of the pass of these lengths.
            let (x, y, places) = unsafe {
                (
                    std::slice::from_raw_parts(x.f32().cast_const(), x.len),
                    std::slice::from_raw_parts_mut(y.ptr.cast::<MaybeUninit<f32>>(), len),
                    std::slice::from_raw_parts_mut(places.ptr.cast::<MaybeUninit<i32>>(), len),
                )
            };
            pooling::max_forward(&windows.pooling(planes), x, y, grad.then_some(places));
        }
        self.save(places, grad);
        self.release(places);
        Ok(y)
    }

    /// The gradient of [`Pass::max_pool2d`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    pub fn max_pool2d_backward(
        &mut self,
        g: Grad,
        shape: &[usize],
        pool: MaxPool,
        gx: &mut Grad,
    ) -> Result<()> {
        let windows = self.fact(|| pool.windows(shape))?;
        let places = self.saved();
        let Some(g) = g.filter(|_| places.grad) else { return Ok(()) };
        let dx = self.numbers(numel(shape), false);
        if !self.planning {
            // SAFETY: buffers of the pass of these lengths.
            let (dy, places, dx) = unsafe {
                (
                    std::slice::from_raw_parts(g.f32().cast_const(), g.len),
                    std::slice::from_raw_parts(places.ptr.cast::<i32>().cast_const(), g.len),
                    std::slice::from_raw_parts_mut(dx.ptr.cast::<MaybeUninit<f32>>(), dx.len),
                )
            };
            let planes = numel(&shape[..shape.len() - 2]);
            pooling::scatter(&windows.pooling(planes), dy, places, dx);
        }
        self.contribute(gx, Some(dx));
        Ok(())
    }
}
