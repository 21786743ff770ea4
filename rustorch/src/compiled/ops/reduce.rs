//! Sums and means over axes, softmax along one.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::reduce::{self as kernel, Plan, Sum};
use crate::kernels::softmax::{self, Kind, Shape};
use crate::kernels::{isa, parallel};
use crate::layout::{Dims, contiguous_strides};
use crate::ops::elementwise::copy_strided;

/// A tensor as softmax sees it.
fn around(shape: &[usize], axis: usize) -> Shape {
    let inner = numel(&shape[axis + 1..]);
    Shape { outer: numel(&shape[..axis]), dim: shape[axis], inner }
}

fn kind(logarithm: bool) -> Kind {
    if logarithm { Kind::LogSoftmax } else { Kind::Softmax }
}

impl Pass {
    /// The sum over axes, or the mean.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn sum(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axes, is_mean): (&[usize], bool),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "a tensor to be added up")?;
        let plan = self.fact(|| {
            let reduced: Vec<bool> = (0..shape.len()).map(|axis| axes.contains(&axis)).collect();
            Ok(Plan::new(shape, &contiguous_strides(shape), &reduced))
        })?;
        let y = self.result(numel(outputs[0]), self.recording && x.grad);
        if !self.planning {
            let divisor = if is_mean { plan.length() as f64 } else { 1.0 };
            // SAFETY: buffers of the pass of these sizes.
            unsafe { kernel::reduce::<Sum, f32>(&plan, x.ptr, y.ptr, divisor) };
        }
        self.save(x, false);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::sum`].
    ///
    /// # Errors
    /// None.
    pub fn sum_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (axes, is_mean): (&[usize], bool),
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let x = self.saved();
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let dx = self.numbers(x.len, false);
        let share = if is_mean { Some(self.numbers(g.len, false)) } else { None };
        if !self.planning {
            let shape = shapes[0];
            let mut strides = Dims::from_elem(0, shape.len());
            let mut next = 1;
            for axis in (0..shape.len()).rev().filter(|axis| !axes.contains(axis)) {
                strides[axis] = next;
                next *= shape[axis];
            }
            let count = (x.len / g.len.max(1)) as f32;
            // SAFETY: buffers of the pass of these sizes.
            unsafe {
                if let Some(share) = share {
                    divide(g.f32(), count, share.f32(), g.len);
                }
                let from = share.unwrap_or(g).ptr.cast_const();
                copy_strided(crate::DType::F32, from, strides, dx.ptr, contiguous_strides(shape), shape);
            }
        }
        self.release_grad(share);
        self.contribute(into[0], Some(dx));
        Ok(())
    }

    /// Softmax along an axis, or its logarithm.
    ///
    /// # Errors
    /// If what the elements are is unknown.
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

/// `to = from / divisor`
///
/// # Safety
/// Both have `len` elements and do not overlap.
unsafe fn divide(from: *const f32, divisor: f32, to: *mut f32, len: usize) {
    let shared = parallel::Shared((from, to));
    parallel::for_each_chunk(len, parallel::GRAIN, |range| {
        let (from, to) = shared.get();
        for i in range {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i) = *from.add(i) / divisor }
        }
    });
}
