//! Rows of a table by their numbers.

use super::super::{Buf, Grad, Pass};
use super::read;
use crate::kernels::{parallel, scratch};
use crate::nn::Embedding;
use crate::nn::functional::{limit_rows, padding_row};
use crate::{DType, Error, Result};

/// The numbers in a buffer, each of which is that of a row of a table with `count`.
///
/// # Errors
/// If it holds others.
pub(super) fn row_numbers(indices: &Buf, count: usize) -> Result<&[i64]> {
    if indices.dtype != Some(DType::I64) {
        return Err(Error::argument("embedding", "the indices are numbers; expected int64"));
    }
    // SAFETY: the elements are `i64`.
    let rows = unsafe { std::slice::from_raw_parts(indices.ptr.cast::<i64>(), indices.len) };
    match rows.iter().find(|&&row| row < 0 || row as usize >= count) {
        Some(&index) => Err(Error::Index { op: "embedding", index, axis: 0, size: count }),
        None => Ok(rows),
    }
}

impl Pass {
    /// Checks, while planning, that a buffer may hold the numbers of rows.
    pub(super) fn expect_indices(&mut self, indices: Buf) -> Result<()> {
        match indices.dtype.filter(|dtype| self.planning && *dtype != DType::I64) {
            Some(dtype) => self
                .refuse(format!("the indices of an embedding are {dtype}, where the kernel expects int64")),
            None => Ok(()),
        }
    }

    /// The rows of `weight` with these numbers, which are `i64`.
    ///
    /// # Errors
    /// If a number is not that of a row, or the numbers are no indices, and those of scaling rows down.
    pub fn embedding(&mut self, indices: Buf, layer: &Embedding) -> Result<Buf> {
        let weight = &layer.weight;
        let &[count, dim] = weight.shape() else { unreachable!("a table has two axes") };
        self.expect_indices(indices)?;
        let grad = self.recording && weight.requires_grad();
        let y = self.result(indices.len * dim, grad);
        if !self.planning {
            let rows = row_numbers(&indices, count)?;
            padding_row(&layer.options, count)?;
            if let Some(max_norm) = layer.options.max_norm {
                if self.holds(weight) {
                    let message =
                        "max_norm scales rows of a table in place that the network reads otherwise meanwhile";
                    return Err(Error::argument("embedding", message));
                }
                limit_rows(weight, rows, max_norm, layer.options.norm_type)?;
            }
            let (table, _guard) = read(weight);
            let shared = parallel::Shared((table, y.f32()));
            parallel::for_each_chunk(rows.len(), (parallel::GRAIN / dim.max(1)).max(1), |range| {
                let (table, y) = shared.get();
                for i in range {
                    // SAFETY: the row exists; `y` has a row per index.
                    unsafe {
                        let row = table.add(rows[i] as usize * dim);
                        std::ptr::copy_nonoverlapping(row, y.add(i * dim), dim);
                    }
                }
            });
        }
        self.save(indices, grad);
        Ok(y)
    }

    /// The gradient of [`Pass::embedding`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn embedding_backward(&mut self, g: Grad, layer: &Embedding) -> Result<()> {
        let weight = &layer.weight;
        let indices = self.saved();
        let Some(g) = g.filter(|_| !self.planning) else { return Ok(()) };
        let Some(target) = self.parameters.target(weight)? else { return Ok(()) };
        let &[count, dim] = weight.shape() else { unreachable!("a table has two axes") };
        // SAFETY: the indices are saved and were checked; the gradient has the weight's shape. One thread adds, in the
        // order of the indices.
        unsafe {
            if !target.accumulate {
                target.ptr.write_bytes(0, weight.numel());
            }
            let rows = std::slice::from_raw_parts(indices.ptr.cast::<i64>(), indices.len);
            let padding = padding_row(&layer.options, count)?.map(|row| row as i64);
            let add = |share: &dyn Fn(usize) -> f32| {
                for (i, &row) in rows.iter().enumerate().filter(|(_, row)| Some(**row) != padding) {
                    let sums = std::slice::from_raw_parts_mut(target.ptr.add(row as usize * dim), dim);
                    let values = std::slice::from_raw_parts(g.f32().add(i * dim), dim);
                    let share = share(row as usize);
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * share);
                }
            };
            if !layer.options.scale_grad_by_freq {
                add(&|_| 1.0);
                return Ok(());
            }
            scratch::with(count, |counts: *mut u32| {
                counts.write_bytes(0, count);
                rows.iter().for_each(|row| *counts.add(*row as usize) += 1);
                add(&|row| 1.0 / *counts.add(row) as f32);
            });
        }
        Ok(())
    }
}
