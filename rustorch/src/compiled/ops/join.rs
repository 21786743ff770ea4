//! Tensors laid end to end, and taken apart.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::layout::Dims;
use crate::ops::elementwise::copy_strided;
use crate::{DType, Result};

/// The rows of a tensor of which a piece is a part of each: `rows` pieces of `len` elements.
#[derive(Clone, Copy)]
struct Piece {
    rows: usize,
    len: usize,
}

/// Copies a piece between two buffers whose rows have these lengths.
///
/// # Safety
/// The buffers cover the piece and do not overlap.
#[inline]
unsafe fn copy(
    dtype: DType,
    piece: Piece,
    (from, from_row): (*const u8, usize),
    (to, to_row): (*mut u8, usize),
) {
    let strides = |row: usize| Dims::from_slice(&[row, 1]);
    // SAFETY: the caller's promise.
    unsafe { copy_strided(dtype, from, strides(from_row), to, strides(to_row), &[piece.rows, piece.len]) };
}

/// Copies numbers.
#[inline]
unsafe fn copy_numbers(piece: Piece, (from, from_row): (*mut f32, usize), (to, to_row): (*mut f32, usize)) {
    // SAFETY: the caller's promise.
    unsafe { copy(DType::F32, piece, (from.cast_const().cast(), from_row), (to.cast(), to_row)) };
}

impl Pass {
    /// Tensors laid end to end along an axis, or stacked along a new one.
    ///
    /// # Errors
    /// If it is unknown what their elements are.
    #[inline]
    pub fn cat(
        &mut self,
        inputs: &[(Buf, &[usize])],
        axis: usize,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let rows = numel(&outputs[0][..axis]);
        let (len, row) = (numel(outputs[0]), numel(&outputs[0][axis..]));
        for (input, _) in inputs {
            self.expect_numbers(*input, "a tensor to be joined with others")?;
        }
        let y = self.result(len, self.recording && inputs.iter().any(|(input, _)| input.grad));
        let mut done = 0;
        for (input, _) in inputs {
            let piece = Piece { rows, len: input.len / rows.max(1) };
            if !self.planning {
                let to = y.f32().wrapping_add(done);
                // SAFETY: buffers of the pass of these sizes.
                unsafe { copy_numbers(piece, (input.f32(), piece.len), (to, row)) };
            }
            done += piece.len;
            self.save(*input, false);
        }
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::cat`].
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn cat_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        axis: usize,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (rows, row) = (numel(&outputs[0][..axis]), numel(&outputs[0][axis..]));
        let mut done = row;
        for at in (0..shapes.len()).rev() {
            let input = self.saved();
            let piece = Piece { rows, len: input.len / rows.max(1) };
            done -= piece.len;
            let Some(g) = g[0].filter(|_| input.grad) else { continue };
            let dx = self.numbers(input.len, false);
            if !self.planning {
                let from = g.f32().wrapping_add(done);
                // SAFETY: buffers of the pass of these sizes.
                unsafe { copy_numbers(piece, (from, row), (dx.f32(), piece.len)) };
            }
            self.contribute(into[at], Some(dx));
        }
        Ok(())
    }

    /// The pieces of a tensor along an axis, one after the other from `start` on. They may lack the axis.
    ///
    /// # Errors
    /// If it is unknown what the elements are.
    pub fn split(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (axis, start): (usize, usize),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        let (rows, row) = (numel(&shape[..axis]), numel(&shape[axis..]));
        let dtype = self.expect_known(x, "a tensor to be taken apart")?;
        // Where a position depends on sizes that only a run knows, nothing has compared it with the axis: the operation does.
        let taken: usize = outputs.iter().map(|output| numel(output) / rows.max(1)).sum();
        let inner = numel(&shape[axis + 1..]);
        if start.checked_mul(inner).and_then(|before| before.checked_add(taken)).is_none_or(|end| end > row) {
            return self
                .refuse(format!("position {start} is outside axis {axis}, which has size {}", shape[axis]));
        }
        let mut done = start * inner;
        for (made, output) in made.iter_mut().zip(outputs) {
            let len = numel(output);
            let y = self.result_like(x, dtype, len);
            let piece = Piece { rows, len: len / rows.max(1) };
            if !self.planning {
                let from = x.ptr.wrapping_add(done * dtype.size()).cast_const();
                // SAFETY: buffers of the pass of these sizes.
                unsafe { copy(dtype, piece, (from, row), (y.ptr, piece.len)) };
            }
            done += piece.len;
            *made = y;
        }
        self.save(x, false);
        Ok(())
    }

    /// The gradient of [`Pass::split`].
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn split_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (axis, start): (usize, usize),
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let x = self.saved();
        if !x.grad || g.iter().all(Option::is_none) {
            return Ok(());
        }
        let dx = self.numbers(x.len, false);
        if !self.planning {
            let shape = shapes[0];
            let (rows, row) = (numel(&shape[..axis]), numel(&shape[axis..]));
            let mut done = start * numel(&shape[axis + 1..]);
            let pieces: usize = outputs.iter().map(|output| numel(output)).sum();
            // SAFETY: buffers of the pass of these sizes.
            unsafe {
                if pieces < x.len || g.iter().any(Option::is_none) {
                    dx.f32().write_bytes(0, dx.len);
                }
                for (g, output) in g.iter().zip(outputs) {
                    let piece = Piece { rows, len: numel(output) / rows.max(1) };
                    if let Some(g) = g {
                        copy_numbers(piece, (g.f32(), piece.len), (dx.f32().wrapping_add(done), row));
                    }
                    done += piece.len;
                }
            }
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}
