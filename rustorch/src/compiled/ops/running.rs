//! Running sums, products and logarithms of sums along an axis.

use super::super::{Buf, Grad, Pass};
use super::order::Rows;
use crate::Result;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::kernels::reduce::{CumulativeProduct, CumulativeSum, LogCumulativeSumExp, Plan, scan};
use crate::layout::contiguous_strides;

/// What each entry of an axis is of those up to itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
    /// `log Σ exp x`
    LogSumExp,
}

impl Pass {
    /// Something of all entries of an axis up to each.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn running(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axis, what): (usize, Running),
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "a tensor of which running values are taken")?;
        let grad = self.recording && x.grad;
        let y = self.result(x.len, grad);
        if !self.planning {
            // SAFETY: buffers of the pass of this shape.
            unsafe { run(shape, axis, what, false, x, y) };
        }
        self.save(x, grad && what != Running::Sum);
        self.save(y, grad && what == Running::LogSumExp);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::running`].
    ///
    /// # Errors
    /// None.
    pub fn running_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (axis, what): (usize, Running),
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (y, x) = (self.saved(), self.saved());
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            let rows = Rows::of(shapes[0], axis);
            // SAFETY: buffers of the pass of this shape.
            unsafe {
                match what {
                    Running::Sum => run(shapes[0], axis, what, true, g, dx),
                    Running::Product => each_row(rows, [x, y, g, dx], |row| row.products()),
                    Running::LogSumExp => each_row(rows, [x, y, g, dx], |row| row.logarithms()),
                }
            }
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}

/// # Safety
/// Both buffers have this shape.
unsafe fn run(shape: &[usize], axis: usize, what: Running, reverse: bool, from: Buf, to: Buf) {
    let (along, others) = Plan::scan_axes(shape, &contiguous_strides(shape), axis);
    let scan = match what {
        Running::Sum => scan::<CumulativeSum, f32>,
        Running::Product => scan::<CumulativeProduct, f32>,
        Running::LogSumExp => scan::<LogCumulativeSumExp, f32>,
    };
    // SAFETY: the caller's promise.
    unsafe { scan(along, &others, reverse, from.ptr, to.ptr) };
}

/// A row of entries, `step` apart.
struct Row {
    x: *const f32,
    y: *const f32,
    g: *const f32,
    dx: *mut f32,
    len: usize,
    step: usize,
}

/// # Safety
/// The buffers have these rows; of those that `f` does not read, nothing is asked.
unsafe fn each_row(rows: Rows, [x, y, g, dx]: [Buf; 4], f: unsafe fn(&Row)) {
    let shared = Shared([x, y, g, dx].map(|buf| buf.f32()));
    parallel::for_each_chunk(rows.count, (GRAIN / (4 * rows.len.max(1))).max(1), |range| {
        for row in range {
            let [x, y, g, dx] = shared.get().map(|ptr| ptr.wrapping_add(rows.start(row)));
            // SAFETY: the caller's promise; rows are disjoint.
            unsafe { f(&Row { x, y, g, dx, len: rows.len, step: rows.step }) };
        }
    });
}

impl Row {
    /// `dxᵢ = Π_{j<i} xⱼ · sᵢ` with `sᵢ = gᵢ + xᵢ₊₁ sᵢ₊₁`: without a division, so that zeros are numbers as others.
    unsafe fn products(&self) {
        let (mut product, mut sum) = (1.0f32, 0.0f32);
        // SAFETY: the caller's promise.
        unsafe {
            for at in (0..self.len).map(|i| i * self.step) {
                *self.dx.add(at) = product;
                product *= *self.x.add(at);
            }
            for i in (0..self.len).rev() {
                let at = i * self.step;
                let rest = if i + 1 < self.len { *self.x.add(at + self.step) * sum } else { 0.0 };
                sum = *self.g.add(at) + rest;
                *self.dx.add(at) *= sum;
            }
        }
    }

    /// `dxᵢ = exp(xᵢ - yᵢ) · sᵢ` with `sᵢ = gᵢ + exp(yᵢ - yᵢ₊₁) sᵢ₊₁`, whose powers are at most 1.
    unsafe fn logarithms(&self) {
        let (mut sum, mut later) = (0.0f32, f32::INFINITY);
        // SAFETY: the caller's promise.
        unsafe {
            for at in (0..self.len).rev().map(|i| i * self.step) {
                let (x, y) = (*self.x.add(at), *self.y.add(at));
                // What was summed from nothing but exp(-∞) has no gradient.
                if y == f32::NEG_INFINITY {
                    *self.dx.add(at) = 0.0;
                    continue;
                }
                sum = *self.g.add(at) + if sum == 0.0 { 0.0 } else { (y - later).exp() * sum };
                later = y;
                *self.dx.add(at) = (x - y).exp() * sum;
            }
        }
    }
}
