//! Pooling in two dimensions.

use std::mem::MaybeUninit;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::pooling::{self, Axis};
use crate::ops::pooling::{Windows, adaptive_windows, windows};
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

/// The windows of an average pooling.
#[derive(Clone, Copy)]
pub enum AveragePool {
    /// At regular distances.
    Regular {
        /// Height and width of a window.
        kernel: [usize; 2],
        /// Steps between windows.
        stride: [usize; 2],
        /// What lies around the plane.
        padding: [usize; 2],
        /// Whether a last, incomplete window counts.
        ceil_mode: bool,
        /// Whether the padding counts.
        count_include_pad: bool,
        /// What sums are divided by instead of the window's size.
        divisor_override: Option<usize>,
    },
    /// As many as the result has elements.
    Adaptive,
}

impl From<&crate::nn::AvgPool2d> for AveragePool {
    fn from(layer: &crate::nn::AvgPool2d) -> Self {
        let crate::nn::AvgPool2d { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override } =
            *layer;
        AveragePool::Regular { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override }
    }
}

impl From<&crate::nn::AdaptiveAvgPool2d> for AveragePool {
    fn from(_: &crate::nn::AdaptiveAvgPool2d) -> Self {
        AveragePool::Adaptive
    }
}

impl AveragePool {
    /// The windows that make of planes of this shape those of another.
    fn windows(self, shape: &[usize], out: &[usize]) -> Result<Windows> {
        let last = shape.len() - 2;
        let size = [shape[last], shape[last + 1]];
        let ([rows, columns], axes, op, divisor) = match self {
            AveragePool::Regular {
                kernel,
                stride,
                padding,
                ceil_mode,
                count_include_pad,
                divisor_override,
            } => {
                if let Some(divisor) = &divisor_override {
                    rules::pool_divisor("avg_pool2d", divisor, &mut ())?;
                }
                let dilation = [1, 1];
                let rule = PoolOptions {
                    kernel: &kernel,
                    stride: &stride,
                    padding: &padding,
                    dilation: &dilation,
                    ceil_mode,
                };
                rules::pool("avg_pool2d", shape, rule, &mut ())?;
                let along = |axis: usize| {
                    let (kernel, stride, padding) = (kernel[axis], stride[axis], padding[axis]);
                    let count = out[last + axis];
                    windows(size[axis], count, kernel, stride, padding, 1, count_include_pad)
                };
                let axis =
                    |axis: usize| Axis { kernel: kernel[axis], stride: stride[axis], padding: padding[axis] };
                ([along(0), along(1)], Some([axis(0), axis(1)]), "avg_pool2d", divisor_override)
            }
            AveragePool::Adaptive => {
                let along = |axis: usize| adaptive_windows(size[axis], out[last + axis]);
                ([along(0), along(1)], None, "adaptive_avg_pool2d", None)
            }
        };
        let windows = Windows { op, size, rows, columns, dilation: [1, 1], divisor, axes };
        windows.check()?;
        Ok(windows)
    }
}

impl Pass {
    /// The average of every window of the last two axes.
    ///
    /// # Errors
    /// If a window sees only padding, or what the elements are is unknown.
    pub fn average_pool(
        &mut self,
        inputs: &[(Buf, &[usize])],
        pool: AveragePool,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of a pooling")?;
        let windows = self.fact(|| pool.windows(shape, outputs[0]))?;
        let y = self.result(numel(outputs[0]), self.recording && x.grad);
        if !self.planning {
            // SAFETY: buffers of the pass of these lengths.
            let (x, y) = unsafe {
                (
                    std::slice::from_raw_parts(x.f32().cast_const(), x.len),
                    std::slice::from_raw_parts_mut(y.ptr.cast::<MaybeUninit<f32>>(), y.len),
                )
            };
            pooling::average(&windows.pooling(numel(&shape[..shape.len() - 2])), x, y);
        }
        self.save(x, false);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::average_pool`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    pub fn average_pool_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        pool: AveragePool,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let windows = self.fact(|| pool.windows(shapes[0], outputs[0]))?;
        let x = self.saved();
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            // SAFETY: buffers of the pass of these lengths.
            let (dy, dx) = unsafe {
                (
                    std::slice::from_raw_parts(g.f32().cast_const(), g.len),
                    std::slice::from_raw_parts_mut(dx.ptr.cast::<MaybeUninit<f32>>(), dx.len),
                )
            };
            let planes = numel(&shapes[0][..shapes[0].len() - 2]);
            pooling::spread(&windows.pooling(planes), dy, dx);
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}
