//! Reductions over axes.

#[cfg(feature = "cuda")]
mod cuda;

use crate::autograd::{Grads, record};
use crate::dtype::dispatch;
use crate::error::expect;
use crate::ops::elementwise::{Number, cast};
use crate::tensor::Axes;
use crate::{DType, Device, Result, Tensor};

impl Tensor {
    /// The sum of all elements (`torch.sum`). Integers and bools sum to `I64`.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).sum().item::<f32>()?, 10.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn sum(&self) -> Tensor {
        expect(self.sum_dim((), false))
    }

    /// The sum over axes; with `keepdim` they stay, with size 1 (`torch.sum(dim=...)`).
    ///
    /// # Errors
    /// If there are no such axes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).sum_dim(0, false)?.to_vec::<i64>()?, [4, 6]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn sum_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        let dtype = if self.dtype().is_differentiable() { self.dtype() } else { DType::I64 };
        let rows = Rows::new("sum", self, axes)?;
        let output = rows.reduce("sum", dtype, keepdim)?;
        let (kept, shape, own) = (rows.kept_shape(true), self.layout().shape.clone(), self.dtype());
        record("sum", &[&output], &[self], || {
            Box::new(move |ctx| {
                let grad = ctx.grad()?.reshape(kept.as_slice())?.expand(shape.as_slice())?;
                Ok(Grads::from_iter([Some(grad.to_dtype(own))]))
            })
        });
        Ok(output)
    }

    /// Whether any element is not zero (`torch.any`).
    #[track_caller]
    pub fn any(&self) -> Tensor {
        let count = crate::no_grad(|| self.to_dtype(DType::Bool).sum());
        expect(count.gt(0))
    }
}

/// A tensor as a matrix whose rows are to be reduced.
struct Rows {
    /// The kept axes, then the reduced ones, contiguous.
    data: Tensor,
    shape: Vec<usize>,
    reduced: Vec<usize>,
}

impl Rows {
    fn new(op: &'static str, tensor: &Tensor, axes: impl Axes) -> Result<Self> {
        let reduced = match axes.into_axes() {
            Some(axes) => rustorch_shape::normalize_axes(op, &axes, tensor.rank())?,
            None => (0..tensor.rank()).collect(),
        };
        let reduced: Vec<usize> = reduced.into_iter().filter(|&axis| axis < tensor.rank()).collect();
        let kept = (0..tensor.rank()).filter(|axis| !reduced.contains(axis));
        let order: Vec<usize> = kept.chain(reduced.iter().copied()).collect();
        let data = crate::no_grad(|| tensor.permute(order).map(|view| view.contiguous()))?;
        Ok(Self { data, shape: tensor.shape().to_vec(), reduced })
    }

    fn kept_shape(&self, keepdim: bool) -> Vec<usize> {
        (0..self.shape.len())
            .filter(|axis| keepdim || !self.reduced.contains(axis))
            .map(|axis| if self.reduced.contains(&axis) { 1 } else { self.shape[axis] })
            .collect()
    }

    fn reduce(&self, op: &'static str, dtype: DType, keepdim: bool) -> Result<Tensor> {
        let device = self.data.device();
        let output = Tensor::uninit(&self.kept_shape(keepdim), dtype, device)?;
        let columns: usize = self.reduced.iter().map(|&axis| self.shape[axis]).product();
        let _guard = self.data.storage().read();
        match device {
            Device::Cpu => {}
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => {
                cuda::sum_rows(op, &self.data, columns, &output)?;
                return Ok(output);
            }
            #[cfg(not(feature = "cuda"))]
            Device::Cuda(_) => return Err(crate::Error::Unavailable { op, device, dtype }),
        }
        dispatch!(self.data.dtype(), A => dispatch!(dtype, B => {
            // SAFETY: the input is contiguous and locked, the output is ours alone, and both have as many elements.
            let (input, output) = unsafe {
                (
                    std::slice::from_raw_parts(self.data.host_ptr().cast::<A>(), output.numel() * columns),
                    std::slice::from_raw_parts_mut(output.host_ptr().cast::<B>(), output.numel()),
                )
            };
            for (row, sum) in output.iter_mut().enumerate() {
                *sum = pairwise::<A, B>(&input[row * columns..(row + 1) * columns]);
            }
        }));
        Ok(output)
    }
}

/// The sum of a row, halved until short, so that rounding errors grow with the logarithm of its length.
fn pairwise<A: Number, B: Number>(row: &[A]) -> B {
    if row.len() <= 64 {
        let sum = row.iter().fold(num_complex::Complex::new(0.0, 0.0), |sum, &x| sum + x.to_c64());
        return if B::DTYPE == DType::I64 {
            cast(row.iter().fold(0i64, |sum, &x| sum.wrapping_add(cast::<A, i64>(x))))
        } else {
            B::from_c64(sum)
        };
    }
    let (left, right) = row.split_at(row.len() / 2);
    let (left, right) = (pairwise::<A, B>(left), pairwise::<A, B>(right));
    if B::DTYPE == DType::I64 {
        return cast(cast::<B, i64>(left).wrapping_add(cast::<B, i64>(right)));
    }
    B::from_c64(left.to_c64() + right.to_c64())
}
