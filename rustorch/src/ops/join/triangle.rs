//! Triangles of matrices.

use crate::autograd::{Grads, check_inplace, record};
use crate::kernels::parallel::{self, GRAIN, Shared};
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
    pub fn tril(&self, offset: isize) -> Result<Tensor> {
        self.triangle("tril", Triangle::Lower, offset)
    }

    /// The matrices of the last two axes with zeros below a diagonal (`torch.triu`).
    ///
    /// # Errors
    /// If the rank is below 2.
    pub fn triu(&self, offset: isize) -> Result<Tensor> {
        self.triangle("triu", Triangle::Upper, offset)
    }

    /// [`Tensor::tril`] in place (`torch.Tensor.tril_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    pub fn tril_(&self, offset: isize) -> Result<Tensor> {
        check_inplace("tril_", self, &[])?;
        self.copy_(&self.tril(offset)?)
    }

    /// [`Tensor::triu`] in place (`torch.Tensor.triu_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    pub fn triu_(&self, offset: isize) -> Result<Tensor> {
        check_inplace("triu_", self, &[])?;
        self.copy_(&self.triu(offset)?)
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
    pub fn tril_indices(rows: usize, columns: usize, offset: isize) -> Tensor {
        indices(Triangle::Lower, rows, columns, offset)
    }

    /// The positions of the upper triangle of a matrix, row indices then column indices, as `I64`
    /// (`torch.triu_indices`).
    #[track_caller]
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
fn kept(triangle: Triangle, row: usize, columns: usize, offset: isize) -> std::ops::Range<usize> {
    let diagonal = row as isize + offset;
    match triangle {
        Triangle::Lower => 0..((diagonal + 1).max(0) as usize).min(columns),
        Triangle::Upper => (diagonal.max(0) as usize).min(columns)..columns,
    }
}

#[track_caller]
fn indices(triangle: Triangle, rows: usize, columns: usize, offset: isize) -> Tensor {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for row in 0..rows {
        for column in kept(triangle, row, columns, offset) {
            first.push(row as i64);
            second.push(column as i64);
        }
    }
    let count = first.len();
    first.append(&mut second);
    crate::error::expect(Tensor::from_vec(first, [2, count]))
}
