//! Triangles of matrices.

use crate::autograd::{Grads, check_inplace, record};
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::tensor::try_collect;
use crate::{Error, Result, Tensor, no_grad};

/// Which part of a matrix stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Triangle {
    Lower,
    Upper,
}

impl Tensor {
    /// The matrices of the last two axes with zeros above a diagonal (`torch.tril`). Positive offsets keep diagonals
    /// above the main one.
    ///
    /// # Errors
    /// If the rank is below 2.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).tril(0)?.to_vec::<i32>()?, [1, 0, 3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn tril(&self, offset: isize) -> Result<Tensor> {
        self.triangle("tril", Triangle::Lower, offset)
    }

    /// The matrices of the last two axes with zeros below a diagonal (`torch.triu`).
    ///
    /// # Errors
    /// If the rank is below 2.
    #[inline]
    pub fn triu(&self, offset: isize) -> Result<Tensor> {
        self.triangle("triu", Triangle::Upper, offset)
    }

    /// [`Tensor::tril`] in place (`torch.Tensor.tril_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn tril_(&self, offset: isize) -> Result<Tensor> {
        check_inplace("tril_", self, &[])?;
        self.overwrite("tril_", &self.tril(offset)?)
    }

    /// [`Tensor::triu`] in place (`torch.Tensor.triu_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn triu_(&self, offset: isize) -> Result<Tensor> {
        check_inplace("triu_", self, &[])?;
        self.overwrite("triu_", &self.triu(offset)?)
    }

    /// The positions of the lower triangle of a matrix, row indices then column indices, as `I64`
    /// (`torch.tril_indices`).
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::tril_indices(2, 2, 0).to_vec::<i64>()?, [0, 1, 1, 0, 0, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn tril_indices(rows: usize, columns: usize, offset: isize) -> Tensor {
        indices(Triangle::Lower, rows, columns, offset)
    }

    /// The positions of the upper triangle of a matrix, row indices then column indices, as `I64`
    /// (`torch.triu_indices`).
    #[track_caller]
    #[inline]
    pub fn triu_indices(rows: usize, columns: usize, offset: isize) -> Tensor {
        indices(Triangle::Upper, rows, columns, offset)
    }

    fn triangle(&self, op: &'static str, triangle: Triangle, offset: isize) -> Result<Tensor> {
        let &[.., rows, columns] = self.shape() else {
            return Err(Error::argument(
                op,
                format!("shape {:?} has rank {}, expected at least 2", self.shape(), self.rank()),
            ));
        };
        if !self.device().is_cpu() {
            return Err(Error::Unavailable { op, device: self.device(), dtype: self.dtype() });
        }
        let output = no_grad(|| self.copy());
        let (size, start) = (self.dtype().size(), Shared(output.host_ptr()));
        let row_count = output.numel().checked_div(columns).unwrap_or(0);
        parallel::for_each_chunk(row_count, (GRAIN / columns.max(1)).max(1), |range| {
            for row in range {
                let kept = kept(triangle, row % rows, columns, offset);
                for zeros in [0..kept.start, kept.end..columns] {
                    let at = start.get().wrapping_add((row * columns + zeros.start) * size);
                    // SAFETY: inside the output, which is new; zero bytes are a zero of every dtype.
                    unsafe { at.write_bytes(0, zeros.len() * size) }
                }
            }
        });
        record(op, &[&output], &[self], || {
            Box::new(move |ctx| Ok(Grads::from_iter([Some(ctx.grad()?.triangle(op, triangle, offset)?)])))
        });
        Ok(output)
    }
}

/// The columns of a row that stay.
#[inline]
fn kept(triangle: Triangle, row: usize, columns: usize, offset: isize) -> std::ops::Range<usize> {
    let diagonal = (row as isize).saturating_add(offset);
    match triangle {
        Triangle::Lower => 0..(diagonal.saturating_add(1).max(0) as usize).min(columns),
        Triangle::Upper => (diagonal.max(0) as usize).min(columns)..columns,
    }
}

#[track_caller]
#[inline]
fn indices(triangle: Triangle, rows: usize, columns: usize, offset: isize) -> Tensor {
    crate::error::expect(count(triangle, rows, columns, offset).and_then(|count| {
        let mut first = try_collect(count.saturating_mul(2), std::iter::empty())?;
        let mut second = try_collect(count, std::iter::empty())?;
        for row in 0..rows {
            for column in kept(triangle, row, columns, offset) {
                first.push(row as i64);
                second.push(column as i64);
            }
        }
        first.append(&mut second);
        Tensor::from_vec(first, [2, count])
    }))
}

/// How many positions a triangle has. More than memory holds are an error before anything is counted one by one.
fn count(triangle: Triangle, rows: usize, columns: usize, offset: isize) -> Result<usize> {
    let (rows, columns, offset) = (rows as i128, columns as i128, offset as i128);
    // Row r keeps r + offset + 1 columns of the lower triangle, none before the first and at most all.
    let lower = |offset: i128| {
        let first = (-offset).clamp(0, rows);
        let full = (columns - offset - 1).clamp(first, rows);
        let growing = full - first;
        growing * (first + offset + 1) + growing * (growing - 1) / 2 + (rows - full) * columns
    };
    let count = match triangle {
        Triangle::Lower => lower(offset),
        Triangle::Upper => rows * columns - lower(offset - 1),
    };
    // Rows are walked also where they keep nothing.
    if rows > 1 << 32 || count > 1 << 58 {
        let message =
            format!("{rows} rows and {columns} columns have {count} positions, more than memory holds");
        return Err(Error::argument("triangle", message));
    }
    Ok(count as usize)
}
