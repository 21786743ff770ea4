//! Tensors of one number, and triangles of matrices beside which there are zeros.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::random::{draw_normal, draw_uniform};

impl Pass {
    /// A number everywhere, whatever the input holds.
    ///
    /// # Errors
    /// If the input is unknown, whose dtype the result has.
    pub fn filled(
        &mut self,
        inputs: &[(Buf, &[usize])],
        value: f64,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.expect_numbers(inputs[0].0, "a tensor whose like is made")?;
        let y = self.result(numel(outputs[0]), false);
        if !self.planning {
            let shared = Shared(y.f32());
            parallel::for_each_chunk(y.len, GRAIN, |range| {
                // SAFETY: a buffer of the pass; chunks are disjoint.
                let part =
                    unsafe { std::slice::from_raw_parts_mut(shared.get().add(range.start), range.len()) };
                part.fill(value as f32);
            });
        }
        made[0] = y;
        Ok(())
    }

    /// A number has no gradient.
    ///
    /// # Errors
    /// None.
    pub fn filled_backward(
        &mut self,
        _: &[Grad],
        _: &[&[usize]],
        _: f64,
        _: &[&[usize]],
        _: &mut [&mut Grad],
    ) -> Result<()> {
        Ok(())
    }

    /// Numbers drawn from the normal distribution, or uniformly from 0 to 1.
    ///
    /// # Errors
    /// If the input is unknown, whose dtype the result has.
    pub fn random(
        &mut self,
        inputs: &[(Buf, &[usize])],
        normal: bool,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.expect_numbers(inputs[0].0, "a tensor whose like is drawn")?;
        let y = self.result(inputs[0].0.len, false);
        if !self.planning {
            // SAFETY: a buffer of the pass of this size.
            unsafe {
                match normal {
                    true => draw_normal(y.f32(), y.len),
                    false => draw_uniform([0.0, 1.0], y.f32(), y.len),
                }
            }
        }
        made[0] = y;
        Ok(())
    }

    /// What was drawn has no gradient.
    ///
    /// # Errors
    /// None.
    pub fn random_backward(
        &mut self,
        _: &[Grad],
        _: &[&[usize]],
        _: bool,
        _: &[&[usize]],
        _: &mut [&mut Grad],
    ) -> Result<()> {
        Ok(())
    }

    /// The lower triangles of matrices up to a diagonal, or the upper ones from it on: `tril` and `triu`.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn triangle(
        &mut self,
        inputs: &[(Buf, &[usize])],
        part: (isize, bool),
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "matrices of which a triangle is taken")?;
        let y = self.result(x.len, self.recording && x.grad);
        if !self.planning {
            // SAFETY: buffers of the pass of this shape.
            unsafe { copy_triangles(shape, part, x.f32(), y.f32()) };
        }
        self.save(x, false);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::triangle`]: the same triangle.
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn triangle_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        part: (isize, bool),
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let x = self.saved();
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let dx = self.numbers(x.len, false);
        if !self.planning {
            // SAFETY: buffers of the pass of this shape.
            unsafe { copy_triangles(shapes[0], part, g.f32(), dx.f32()) };
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}

/// # Safety
/// Both have this shape of at least two axes, and do not overlap.
unsafe fn copy_triangles(
    shape: &[usize],
    (diagonal, is_lower): (isize, bool),
    from: *const f32,
    to: *mut f32,
) {
    let [rows, columns] = [shape[shape.len() - 2], shape[shape.len() - 1]];
    let shared = Shared((from, to));
    parallel::for_each_chunk(numel(shape) / columns.max(1), (GRAIN / columns.max(1)).max(1), |range| {
        let (from, to) = shared.get();
        for at in range {
            // The columns before this one are on or below the diagonal, and so are those up to it.
            let first = (at % rows) as isize + diagonal + isize::from(is_lower);
            let edge = first.clamp(0, columns as isize) as usize;
            // SAFETY: the caller's promise; rows are disjoint.
            let (from, to) = unsafe {
                (
                    std::slice::from_raw_parts(from.add(at * columns), columns),
                    std::slice::from_raw_parts_mut(to.add(at * columns), columns),
                )
            };
            let (copied, zeros) = if is_lower { (0..edge, edge..columns) } else { (edge..columns, 0..edge) };
            to[copied.clone()].copy_from_slice(&from[copied]);
            to[zeros].fill(0.0);
        }
    });
}
