//! Matrix products on CUDA, by cuBLASLt.

use rustorch_cuda::{Buffer, Device as Driver, Elements, Epilogue, Gemm, Matrix, gemm};

use crate::layout::{Dims, Layout};
use crate::ops::elementwise::{copy_elements, copy_elements_into, cuda_fill};
use crate::{DType, Device, Error, Result, Scalar, Tensor, cuda};

/// Products that are launched one by one before it pays to copy an operand into a layout that needs one launch.
const MANY_LAUNCHES: usize = 16;

/// Writes the products of a batch of matrices, plus a contiguous bias per column, to a fresh contiguous output. The
/// operands are locked by the caller.
pub(super) fn product(
    op: &'static str,
    left: &Tensor,
    right: &Tensor,
    bias: Option<&Tensor>,
    output: &Tensor,
    batch: &[usize],
) -> Result<()> {
    let Device::Cuda(ordinal) = output.device() else { unreachable!("kernels are chosen by device") };
    if !output.dtype().is_float() {
        return Err(Error::Unavailable { op, device: output.device(), dtype: output.dtype() });
    }
    if output.numel() == 0 {
        return Ok(());
    }
    let [m, k] = [left.rank() - 2, left.rank() - 1].map(|axis| left.shape()[axis]);
    let n = right.shape()[right.rank() - 1];
    let fused = bias.is_some_and(fuses);
    if let (Some(bias), false) = (bias, fused) {
        copy_elements_into(bias, output)?;
    }
    if k == 0 {
        return match bias {
            Some(bias) if fused => copy_elements_into(bias, output),
            Some(_) => Ok(()),
            None => cuda_fill(output, Scalar::Int(0)),
        };
    }
    let (left, right) = (Operand::new(left, batch)?, Operand::new(right, batch)?);
    let (left, right) = one_launch(left, right, batch)?;
    let inner = inner_axes(&[&left.batch, &right.batch], batch);
    let job = Job {
        device: cuda::device(ordinal)?,
        dtype: cuda::dtype(output.dtype()).expect("floats have kernels"),
        sizes: [m, n, k],
        beta: if bias.is_some() && !fused { 1.0 } else { 0.0 },
        bias: bias.filter(|_| fused),
        output: output.storage().cuda_buffer(),
    };
    let (outer, inner) = batch.split_at(batch.len() - inner);
    let matrices: usize = inner.iter().product();
    for index in 0..outer.iter().product::<usize>() {
        let (a, b) = (left.offset_at(index, outer), right.offset_at(index, outer));
        job.launch((&left, a), (&right, b), index * matrices * m * n, matrices)
            .map_err(|error| cuda::from_driver(ordinal, error))?;
    }
    Ok(())
}

/// Whether cuBLASLt adds the bias itself: it does so for f32 and the half types, from aligned memory.
fn fuses(bias: &Tensor) -> bool {
    let address =
        bias.storage().cuda_buffer().address() + (bias.layout().offset * bias.dtype().size()) as u64;
    bias.dtype() != DType::F64 && address.is_multiple_of(16)
}

/// A batch of matrices in a layout that cuBLASLt takes.
struct Operand {
    tensor: Tensor,
    /// Stride of each axis of the result's batch.
    batch: Dims,
    transposed: bool,
    ld: usize,
}

impl Operand {
    fn new(tensor: &Tensor, batch: &[usize]) -> Result<Self> {
        match Self::as_it_lies(tensor, batch) {
            Some(operand) => Ok(operand),
            None => Self::copied(tensor, batch),
        }
    }

    /// The tensor's own memory, if rows or columns of its matrices are contiguous.
    fn as_it_lies(tensor: &Tensor, batch: &[usize]) -> Option<Self> {
        let layout = tensor.layout();
        let rank = layout.rank();
        let ([rows, columns], [rs, cs]) = (
            [rank - 2, rank - 1].map(|axis| layout.shape[axis]),
            [rank - 2, rank - 1].map(|axis| layout.strides[axis]),
        );
        let (transposed, ld) = matrix_layout(rows, columns, rs, cs)?;
        let leading = Layout {
            shape: layout.shape[..rank - 2].into(),
            strides: layout.strides[..rank - 2].into(),
            offset: 0,
        };
        Some(Self { tensor: tensor.clone(), batch: leading.broadcast_to(batch).strides, transposed, ld })
    }

    fn copied(tensor: &Tensor, batch: &[usize]) -> Result<Self> {
        let copy = copy_elements(tensor, Layout::contiguous(tensor.shape()), tensor.dtype())?;
        Ok(Self::as_it_lies(&copy, batch).expect("rows of a contiguous matrix are contiguous"))
    }

    /// The batch of matrices that begins at an element.
    fn matrix(&self, offset: usize) -> Matrix<'_> {
        Matrix {
            elements: Elements { buffer: self.tensor.storage().cuda_buffer(), offset },
            ld: self.ld,
            transposed: self.transposed,
            batch_stride: self.batch.last().copied().unwrap_or(0),
        }
    }

    /// The first element of the matrices at an index of the outer batch axes.
    fn offset_at(&self, mut index: usize, outer: &[usize]) -> usize {
        let mut offset = self.tensor.layout().offset;
        for (&size, &stride) in outer.iter().zip(&self.batch).rev() {
            offset += index % size * stride;
            index /= size;
        }
        offset
    }
}

/// Whether a matrix is stored by columns, and the distance of its rows (or columns); none if neither is contiguous.
fn matrix_layout(rows: usize, columns: usize, rs: usize, cs: usize) -> Option<(bool, usize)> {
    let by_rows = if rows == 1 { columns } else { rs };
    if (cs == 1 || columns == 1) && by_rows >= columns {
        return Some((false, by_rows));
    }
    let by_columns = if columns == 1 { rows } else { cs };
    ((rs == 1 || rows == 1) && by_columns >= rows).then_some((true, by_columns))
}

/// Copies what keeps a large batch from being one launch, where a copy can help: an operand whose matrices are all
/// different but not evenly spaced.
fn one_launch(left: Operand, right: Operand, batch: &[usize]) -> Result<(Operand, Operand)> {
    let launches =
        |operands: &[&Dims]| -> usize { batch[..batch.len() - inner_axes(operands, batch)].iter().product() };
    if launches(&[&left.batch, &right.batch]) <= MANY_LAUNCHES {
        return Ok((left, right));
    }
    let even = |operand: Operand| -> Result<Operand> {
        let full = operand.batch.iter().zip(batch).all(|(&stride, &size)| stride != 0 || size == 1);
        let uneven = launches(&[&operand.batch]) > 1;
        if full && uneven { Operand::copied(&operand.tensor, batch) } else { Ok(operand) }
    };
    Ok((even(left)?, even(right)?))
}

/// How many of the last batch axes every operand walks in even steps, so that they are one batch for cuBLASLt.
fn inner_axes(operands: &[&Dims], batch: &[usize]) -> usize {
    let rank = batch.len();
    let mut count = rank.min(1);
    while count < rank {
        let (outer, inner) = (rank - count - 1, rank - count);
        let even = |strides: &&Dims| batch[outer] == 1 || strides[outer] == strides[inner] * batch[inner];
        // An axis of size 1 has no step of its own to compare with.
        if batch[inner] == 1 || !operands.iter().all(even) {
            break;
        }
        count += 1;
    }
    count
}

/// What all launches of a product share.
struct Job<'a> {
    device: Driver,
    dtype: rustorch_cuda::DType,
    sizes: [usize; 3],
    beta: f64,
    bias: Option<&'a Tensor>,
    output: &'a Buffer,
}

impl Job<'_> {
    fn launch(
        &self,
        (left, a): (&Operand, usize),
        (right, b): (&Operand, usize),
        c: usize,
        batch: usize,
    ) -> rustorch_cuda::Result<()> {
        let [m, n, k] = self.sizes;
        let epilogue = match self.bias {
            Some(bias) => Epilogue::Bias(Elements {
                buffer: bias.storage().cuda_buffer(),
                offset: bias.layout().offset,
            }),
            None => Epilogue::None,
        };
        let product = Gemm {
            dtype: self.dtype,
            tf32: cuda::allow_tf32(),
            m,
            n,
            k,
            batch,
            alpha: 1.0,
            beta: self.beta,
            a: left.matrix(a),
            b: right.matrix(b),
            c: Matrix {
                elements: Elements { buffer: self.output, offset: c },
                ld: n,
                transposed: false,
                batch_stride: m * n,
            },
            epilogue,
        };
        gemm(&self.device, product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_read_where_they_lie_if_rows_or_columns_are_contiguous() {
        assert_eq!(matrix_layout(3, 4, 4, 1), Some((false, 4)));
        assert_eq!(matrix_layout(3, 4, 9, 1), Some((false, 9)));
        assert_eq!(matrix_layout(3, 4, 1, 3), Some((true, 3)));
        assert_eq!(matrix_layout(1, 4, 77, 1), Some((false, 4)));
        assert_eq!(matrix_layout(3, 1, 1, 77), Some((false, 1)));
        assert_eq!(matrix_layout(1, 4, 77, 5), Some((true, 5)));
        // A row repeated by expansion, and matrices with steps in both directions.
        assert_eq!(matrix_layout(3, 4, 0, 1), None);
        assert_eq!(matrix_layout(3, 4, 8, 2), None);
    }

    #[test]
    fn even_batches_are_one_launch() {
        let dims = |strides: &[usize]| -> Dims { strides.into() };
        let inner = |a: &[usize], b: &[usize], batch: &[usize]| inner_axes(&[&dims(a), &dims(b)], batch);
        assert_eq!(inner(&[], &[], &[]), 0);
        assert_eq!(inner(&[60, 12], &[0, 0], &[4, 5]), 2);
        assert_eq!(inner(&[60, 12], &[0, 12], &[4, 5]), 1);
        assert_eq!(inner(&[12, 48], &[60, 12], &[4, 5]), 1);
        assert_eq!(inner(&[120, 60, 12], &[120, 60, 12], &[3, 2, 5]), 3);
    }
}
