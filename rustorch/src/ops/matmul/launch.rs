//! Hands tensors to the product kernels.

use smallvec::SmallVec;

use crate::dtype::dispatch;
use crate::kernels::gemm::{BatchDim, Bias, Epilogue, MatMut, MatRef, Product};
use crate::layout::{Dims, Layout};
use crate::ops::elementwise::{Number, cast};
use crate::{Device, Error, Result, Tensor};

/// A batch of matrices, seen with the batch axes of the result.
struct Operand {
    batch: Dims,
    rows: usize,
    columns: usize,
}

impl Operand {
    fn new(layout: &Layout, batch: &[usize]) -> Self {
        let rank = layout.rank();
        let leading = Layout {
            shape: layout.shape[..rank - 2].into(),
            strides: layout.strides[..rank - 2].into(),
            offset: 0,
        };
        Self {
            batch: leading.broadcast_to(batch).strides,
            rows: layout.strides[rank - 2],
            columns: layout.strides[rank - 1],
        }
    }

    fn matrix<T>(&self, tensor: &Tensor) -> MatRef<T> {
        MatRef { ptr: tensor.host_ptr().cast(), rs: self.rows as isize, cs: self.columns as isize }
    }
}

/// The product of operands of at least two axes, plus a contiguous bias per column; unseen by autograd.
pub(super) fn product(
    op: &'static str,
    left: &Tensor,
    right: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let shape = rustorch_shape::rules::matmul(left.shape(), right.shape(), &mut ())?;
    let output = Tensor::uninit(&shape, left.dtype(), left.device())?;
    let folded = fold(left, right);
    let left = folded.as_ref().unwrap_or(left);
    let batch = match folded {
        Some(_) => &[],
        None => &shape[..shape.len() - 2],
    };
    let _guards = (left.storage().read(), right.storage().read(), bias.map(|bias| bias.storage().read()));
    match output.device() {
        Device::Cpu => {}
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => {
            super::cuda::product(op, left, right, bias, &output, batch)?;
            return Ok(output);
        }
        #[cfg(not(feature = "cuda"))]
        device @ Device::Cuda(_) => return Err(Error::Unavailable { op, device, dtype: left.dtype() }),
    }
    dispatch!(@arms left.dtype(), T, run::<T>(left, right, bias, &output, batch), [
        F32 = f32, F64 = f64, F16 = crate::f16, BF16 = crate::bf16, U8 = u8, I8 = i8, I16 = i16, I32 = i32, I64 = i64,
        Complex64 = num_complex::Complex<f32>, Complex128 = num_complex::Complex<f64>
    ], return Err(Error::DType { op, dtype: left.dtype(), expected: "a numeric dtype" }));
    Ok(output)
}

/// The left operand as one tall matrix, where a single right one serves its whole batch and strides allow the view.
fn fold(left: &Tensor, right: &Tensor) -> Option<Tensor> {
    if left.rank() == 2 || right.rank() > 2 {
        return None;
    }
    let k = left.shape()[left.rank() - 1];
    let rows: usize = left.shape()[..left.rank() - 1].iter().product();
    let shape = [rows, k];
    let strides = left.layout().view_strides(&shape)?;
    Some(left.alias(Layout { shape: shape.as_slice().into(), strides, offset: left.layout().offset }, None))
}

fn run<T: crate::kernels::gemm::Element + Number>(
    left: &Tensor,
    right: &Tensor,
    bias: Option<&Tensor>,
    output: &Tensor,
    batch: &[usize],
) {
    let (a, b) = (Operand::new(left.layout(), batch), Operand::new(right.layout(), batch));
    let [m, k] = [left.rank() - 2, left.rank() - 1].map(|axis| left.shape()[axis]);
    let n = right.shape()[right.rank() - 1];
    let mut matrices = m * n;
    let mut dims: SmallVec<[BatchDim; 4]> = SmallVec::new();
    for axis in (0..batch.len()).rev() {
        let (a, b, c) = (a.batch[axis] as isize, b.batch[axis] as isize, matrices as isize);
        dims.push(BatchDim { size: batch[axis], a, b, c });
        matrices *= batch[axis];
    }
    dims.reverse();
    if output.numel() == 0 {
        return;
    }
    let bias = bias.map_or(Bias::None, |bias| Bias::PerColumn(bias.host_ptr().cast()));
    let product = Product {
        m,
        n,
        k,
        alpha: cast::<i64, T>(1),
        a: a.matrix(left),
        b: b.matrix(right),
        beta: cast::<i64, T>(0),
        c: MatMut { ptr: output.host_ptr().cast(), rs: n as isize, cs: 1 },
        epilogue: Epilogue { bias, ..Epilogue::NONE },
    };
    // SAFETY: layouts lie inside their storages, which are locked for reading; the output is fresh, contiguous and ours
    // alone, and its matrices do not overlap.
    unsafe { product.run_batched(&dims) }
}
