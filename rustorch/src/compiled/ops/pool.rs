//! Pooling over one, two and three axes.

use std::mem::MaybeUninit;

use rustorch_shape::rules::{self, PoolOptions};
use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::pooling::{self, Pooling, Prepared};
use crate::ops::pooling::{Along, Stage};

/// The windows of a pooling. Sizes are those of the last axes, outermost first.
#[derive(Clone, Copy)]
pub enum Pool<'a> {
    /// At regular distances.
    Regular {
        /// The function that errors are told of.
        op: &'static str,
        /// The size of a window.
        kernel: &'a [usize],
        /// Steps between windows.
        stride: &'a [usize],
        /// What lies around the axes.
        padding: &'a [usize],
        /// Steps between the taps of a window.
        dilation: &'a [usize],
        /// Whether a last, incomplete window counts.
        ceil_mode: bool,
        /// Whether averages count the padding.
        count_include_pad: bool,
        /// What sums are divided by instead of the window's size.
        divisor_override: Option<usize>,
    },
    /// As many as the result has elements.
    Adaptive {
        /// The function.
        op: &'static str,
        /// Over how many axes.
        axes: usize,
    },
}

/// No dilation.
const EACH: &[usize] = &[1; 3];

macro_rules! from_layers {
    ($($axes:literal: $max:ident $max_op:literal, $avg:ident $avg_op:literal $divisor:ident,
        $adaptive_avg:ident $adaptive_avg_op:literal, $adaptive_max:ident $adaptive_max_op:literal;)*) => {$(
        impl<'a> From<&'a crate::nn::$max> for Pool<'a> {
            fn from(layer: &'a crate::nn::$max) -> Self {
                let crate::nn::$max { kernel, stride, padding, dilation, ceil_mode } = layer;
                Pool::Regular {
                    op: $max_op,
                    kernel,
                    stride,
                    padding,
                    dilation,
                    ceil_mode: *ceil_mode,
                    count_include_pad: false,
                    divisor_override: None,
                }
            }
        }

        impl<'a> From<&'a crate::nn::$avg> for Pool<'a> {
            fn from(layer: &'a crate::nn::$avg) -> Self {
                Pool::Regular {
                    op: $avg_op,
                    kernel: &layer.kernel,
                    stride: &layer.stride,
                    padding: &layer.padding,
                    dilation: &EACH[..$axes],
                    ceil_mode: layer.ceil_mode,
                    count_include_pad: layer.count_include_pad,
                    divisor_override: from_layers!(@$divisor layer),
                }
            }
        }

        impl From<&crate::nn::$adaptive_avg> for Pool<'_> {
            fn from(_: &crate::nn::$adaptive_avg) -> Self {
                Pool::Adaptive { op: $adaptive_avg_op, axes: $axes }
            }
        }

        impl From<&crate::nn::$adaptive_max> for Pool<'_> {
            fn from(_: &crate::nn::$adaptive_max) -> Self {
                Pool::Adaptive { op: $adaptive_max_op, axes: $axes }
            }
        }
    )*};
    (@none $layer:ident) => { None };
    (@has $layer:ident) => { $layer.divisor_override };
}
from_layers! {
    1: MaxPool1d "max_pool1d", AvgPool1d "avg_pool1d" none,
        AdaptiveAvgPool1d "adaptive_avg_pool1d", AdaptiveMaxPool1d "adaptive_max_pool1d";
    2: MaxPool2d "max_pool2d", AvgPool2d "avg_pool2d" has,
        AdaptiveAvgPool2d "adaptive_avg_pool2d", AdaptiveMaxPool2d "adaptive_max_pool2d";
    3: MaxPool3d "max_pool3d", AvgPool3d "avg_pool3d" has,
        AdaptiveAvgPool3d "adaptive_avg_pool3d", AdaptiveMaxPool3d "adaptive_max_pool3d";
}

impl Pool<'_> {
    /// Whether the windows are of 2×2 and lie side by side.
    pub(super) fn halves(self) -> bool {
        matches!(
            self,
            Pool::Regular { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1], .. }
        )
    }

    /// The poolings of planes that make of this shape the other; where windows lie at regular distances, they tell it.
    fn stages(self, shape: &[usize], out: &[usize]) -> Result<Vec<Ready>> {
        let stages = match self {
            Pool::Adaptive { op, axes } => Stage::all(op, shape, Along::adaptive(shape, out, axes), None),
            Pool::Regular {
                op,
                kernel,
                stride,
                padding,
                dilation,
                ceil_mode,
                count_include_pad,
                divisor_override,
            } => {
                if let Some(divisor) = &divisor_override {
                    rules::pool_divisor(op, divisor, &mut ())?;
                }
                let rule = PoolOptions { kernel, stride, padding, dilation, ceil_mode };
                let out = rules::pool(op, shape, rule, &mut ())?;
                Stage::all(op, shape, Along::regular(shape, &out, rule, count_include_pad), divisor_override)
            }
        };
        let ready = |stage: Stage| {
            let prepared = stage.windows.pooling(stage.planes()).prepare();
            Ready { stage, prepared }
        };
        Ok(stages?.into_iter().map(ready).collect())
    }
}

/// A stage with what its loops work out first.
struct Ready {
    stage: Stage,
    prepared: Prepared<f32>,
}

impl Ready {
    #[inline]
    fn pooling(&self) -> Pooling<'_> {
        self.stage.windows.pooling(self.stage.planes())
    }

    /// Elements of the input, and of the result.
    #[inline]
    fn lens(&self) -> [usize; 2] {
        [numel(&self.stage.shape), self.stage.planes() * numel(&self.stage.windows.output())]
    }
}

/// The elements of a buffer, to be read.
///
/// # Safety
/// It has been written with elements of this type, and nobody writes to it.
unsafe fn read<'a, T>(buf: Buf) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(buf.ptr.cast::<T>().cast_const(), buf.len) }
}

/// Room for the elements of a buffer.
///
/// # Safety
/// Nobody else uses it, and its elements have this type.
unsafe fn write<'a, T>(buf: Buf) -> &'a mut [MaybeUninit<T>] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(buf.ptr.cast(), buf.len) }
}

impl Pass {
    /// The greatest element of every window.
    ///
    /// # Errors
    /// If a window sees only padding, or what the elements are is unknown.
    pub fn max_pool(
        &mut self,
        inputs: &[(Buf, &[usize])],
        pool: Pool<'_>,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of a pooling")?;
        made[0] = self.maxima(x, shape, pool, outputs[0])?;
        Ok(())
    }

    /// [`Pass::max_pool`] of a tensor of numbers.
    pub(super) fn maxima(&mut self, x: Buf, shape: &[usize], pool: Pool<'_>, out: &[usize]) -> Result<Buf> {
        let stages = self.fact(|| pool.stages(shape, out))?;
        let grad = self.recording && x.grad;
        let mut from = self.retain(x);
        for (number, stage) in stages.iter().enumerate() {
            let [_, len] = stage.lens();
            let y = match number + 1 == stages.len() {
                true => self.result(len, grad),
                false => self.numbers(len, grad),
            };
            let places = self.allocate(len, size_of::<i32>(), x.grad);
            if !self.planning {
                // SAFETY: buffers of the pass of these lengths.
                let (x, y, places) = unsafe { (read(from), write(y), write(places)) };
                let places = grad.then_some(places);
                pooling::max_forward_prepared(&stage.pooling(), &stage.prepared, x, y, places);
            }
            self.save(places, grad);
            self.release(places);
            self.release(from);
            from = y;
        }
        Ok(from)
    }

    /// The gradient of [`Pass::max_pool`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    pub fn max_pool_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        pool: Pool<'_>,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        self.maxima_backward(g[0], shapes[0], pool, outputs[0], into[0])
    }

    /// The gradient of [`Pass::maxima`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    pub(super) fn maxima_backward(
        &mut self,
        g: Grad,
        shape: &[usize],
        pool: Pool<'_>,
        out: &[usize],
        gx: &mut Grad,
    ) -> Result<()> {
        let stages = self.fact(|| pool.stages(shape, out))?;
        let mut places: SmallVec<[Buf; 2]> = stages.iter().map(|_| self.saved()).collect();
        places.reverse();
        let Some(mut from) = g.filter(|_| places.iter().all(|places| places.grad)) else { return Ok(()) };
        self.retain(from);
        for (stage, places) in stages.iter().zip(places).rev() {
            let dx = self.numbers(stage.lens()[0], false);
            if !self.planning {
                // SAFETY: buffers of the pass of these lengths.
                let (dy, places, dx) = unsafe { (read(from), read(places), write(dx)) };
                pooling::scatter::<f32>(&stage.pooling(), dy, places, dx);
            }
            self.release(from);
            from = dx;
        }
        self.contribute(gx, Some(from));
        Ok(())
    }

    /// The average of every window.
    ///
    /// # Errors
    /// If a window sees only padding, or what the elements are is unknown.
    #[inline]
    pub fn average_pool(
        &mut self,
        inputs: &[(Buf, &[usize])],
        pool: Pool<'_>,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of a pooling")?;
        let stages = self.fact(|| pool.stages(shape, outputs[0]))?;
        let grad = self.recording && x.grad;
        let mut from = self.retain(x);
        for (number, stage) in stages.iter().enumerate() {
            let [_, len] = stage.lens();
            let y = match number + 1 == stages.len() {
                true => self.result(len, grad),
                false => self.numbers(len, grad),
            };
            if !self.planning {
                // SAFETY: buffers of the pass of these lengths.
                let (x, y) = unsafe { (read(from), write(y)) };
                pooling::average_prepared(&stage.pooling(), &stage.prepared, x, y);
            }
            self.release(from);
            from = y;
        }
        self.save(x, false);
        made[0] = from;
        Ok(())
    }

    /// The gradient of [`Pass::average_pool`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    #[inline]
    pub fn average_pool_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        pool: Pool<'_>,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let stages = self.fact(|| pool.stages(shapes[0], outputs[0]))?;
        let x = self.saved();
        let Some(mut from) = g[0].filter(|_| x.grad) else { return Ok(()) };
        self.retain(from);
        for stage in stages.iter().rev() {
            let dx = self.numbers(stage.lens()[0], false);
            if !self.planning {
                // SAFETY: buffers of the pass of these lengths.
                let (dy, dx) = unsafe { (read(from), write(dx)) };
                pooling::spread::<f32>(&stage.pooling(), dy, dx);
            }
            self.release(from);
            from = dx;
        }
        self.contribute(into[0], Some(from));
        Ok(())
    }
}
