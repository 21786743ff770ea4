//! Tensors laid end to end.

use crate::autograd::{Grads, record};
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::ops::elementwise::copy_elements_into;
use crate::{DType, Error, Result, Tensor, no_grad};

impl Tensor {
    /// Tensors laid end to end along an axis (`torch.cat`). They promote to a common dtype; vectors without elements
    /// are skipped, whatever the others' rank.
    ///
    /// # Errors
    /// If there are none, or two differ in rank or along another axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let (a, b) = (Tensor::from([[1, 2]]), Tensor::from([[3, 4], [5, 6]]));
    /// assert_eq!(Tensor::cat(&[&a, &b], 0)?.to_vec::<i32>()?, [1, 2, 3, 4, 5, 6]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn cat(tensors: &[impl AsRef<Tensor>], axis: isize) -> Result<Tensor> {
        const OP: &str = "cat";
        let tensors: Vec<&Tensor> = tensors.iter().map(AsRef::as_ref).collect();
        let shapes: Vec<&[usize]> = tensors.iter().map(|tensor| tensor.shape()).collect();
        let shape = rustorch_shape::rules::cat(&shapes, axis, &mut ())?;
        let at = rustorch_shape::normalize_axis(OP, axis, shape.len())?;
        let device = tensors[0].device();
        if let Some(other) = tensors.iter().find(|tensor| tensor.device() != device) {
            return Err(Error::DeviceMismatch { op: OP, left: device, right: other.device() });
        }
        let dtype = common_dtype(&tensors);
        let output = Tensor::uninit(&shape, dtype, device)?;
        let skipped = |tensor: &Tensor| tensor.rank() != shape.len();
        let mut start = 0;
        let mut parts = Vec::with_capacity(tensors.len());
        for tensor in &tensors {
            let size = if skipped(tensor) { 0 } else { tensor.shape()[at] };
            parts.push((start, size));
            if tensor.numel() > 0 {
                place(tensor, &output, at, start)?;
            }
            start += size;
        }
        record(OP, &[&output], &tensors, || {
            let inputs: Vec<_> =
                tensors.iter().map(|tensor| (tensor.layout().shape.clone(), tensor.dtype())).collect();
            Box::new(move |ctx| {
                let grad = ctx.grad()?;
                let part = |k: usize| -> Result<Option<Tensor>> {
                    if !ctx.needs(k) {
                        return Ok(None);
                    }
                    let ((start, size), (shape, dtype)) = (parts[k], &inputs[k]);
                    let part = grad.narrow(at as isize, start, size)?;
                    Ok(Some(
                        if part.numel() == 0 { part.reshape(shape.as_slice())? } else { part }
                            .to_dtype(*dtype),
                    ))
                };
                (0..inputs.len()).map(part).collect::<Result<Grads>>()
            })
        });
        Ok(output)
    }

    /// Tensors of one shape along a new axis (`torch.stack`).
    ///
    /// # Errors
    /// If there are none, or two shapes differ.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let rows = [Tensor::from([1, 2]), Tensor::from([3, 4])];
    /// assert_eq!(Tensor::stack(&rows, 1)?.to_vec::<i32>()?, [1, 3, 2, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn stack(tensors: &[impl AsRef<Tensor>], axis: isize) -> Result<Tensor> {
        let shapes: Vec<&[usize]> = tensors.iter().map(|tensor| tensor.as_ref().shape()).collect();
        let shape = rustorch_shape::rules::stack(&shapes, axis, &mut ())?;
        let at = rustorch_shape::normalize_axis("stack", axis, shape.len())? as isize;
        let entries =
            tensors.iter().map(|tensor| tensor.as_ref().unsqueeze(at)).collect::<Result<Vec<_>>>()?;
        Self::cat(&entries, at)
    }

    /// Tensors side by side: along axis 1, vectors along axis 0 (`torch.hstack`).
    ///
    /// # Errors
    /// As [`Tensor::cat`].
    pub fn hstack(tensors: &[impl AsRef<Tensor>]) -> Result<Tensor> {
        let tensors =
            at_least(
                tensors,
                |tensor| if tensor.rank() == 0 { tensor.reshape(1) } else { Ok(tensor.clone()) },
            )?;
        let axis = if tensors.first().is_some_and(|tensor| tensor.rank() == 1) { 0 } else { 1 };
        Self::cat(&tensors, axis)
    }

    /// Tensors on top of each other: along axis 0, vectors as rows (`torch.vstack`).
    ///
    /// # Errors
    /// As [`Tensor::cat`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let rows = [Tensor::from([1, 2]), Tensor::from([3, 4])];
    /// assert_eq!(Tensor::vstack(&rows)?.shape(), [2, 2]);
    /// assert_eq!(Tensor::hstack(&rows)?.shape(), [4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn vstack(tensors: &[impl AsRef<Tensor>]) -> Result<Tensor> {
        let row = |tensor: &Tensor| match tensor.rank() {
            0 | 1 => tensor.reshape([1, tensor.numel()]),
            _ => Ok(tensor.clone()),
        };
        Self::cat(&at_least(tensors, row)?, 0)
    }

    /// Tensors behind each other: along axis 2, which vectors and matrices are given (`torch.dstack`).
    ///
    /// # Errors
    /// As [`Tensor::cat`].
    pub fn dstack(tensors: &[impl AsRef<Tensor>]) -> Result<Tensor> {
        let deep = |tensor: &Tensor| match *tensor.shape() {
            [] | [_] => tensor.reshape([1, tensor.numel(), 1]),
            [_, _] => tensor.unsqueeze(2),
            _ => Ok(tensor.clone()),
        };
        Self::cat(&at_least(tensors, deep)?, 2)
    }

    /// Tensors side by side along axis 1, vectors as columns (`torch.column_stack`).
    ///
    /// # Errors
    /// As [`Tensor::cat`].
    pub fn column_stack(tensors: &[impl AsRef<Tensor>]) -> Result<Tensor> {
        let column = |tensor: &Tensor| match tensor.rank() {
            0 | 1 => tensor.reshape([tensor.numel(), 1]),
            _ => Ok(tensor.clone()),
        };
        Self::cat(&at_least(tensors, column)?, 1)
    }
}

impl AsRef<Tensor> for Tensor {
    fn as_ref(&self) -> &Tensor {
        self
    }
}

fn at_least(tensors: &[impl AsRef<Tensor>], f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Vec<Tensor>> {
    tensors.iter().map(|tensor| f(tensor.as_ref())).collect()
}

#[inline]
fn common_dtype(tensors: &[&Tensor]) -> DType {
    tensors.iter().map(|tensor| tensor.dtype()).reduce(DType::promote).unwrap_or(DType::F32)
}

/// Copies `source` into `output`, which is new, from position `start` of an axis.
fn place(source: &Tensor, output: &Tensor, axis: usize, start: usize) -> Result<()> {
    let plain = output.device().is_cpu() && source.is_contiguous() && source.dtype() == output.dtype();
    if !plain {
        let part = no_grad(|| output.narrow(axis as isize, start, source.shape()[axis]))?;
        return copy_elements_into(source, &part);
    }
    let outer: usize = source.shape()[..axis].iter().product();
    let inner: usize = source.shape()[axis + 1..].iter().product::<usize>() * source.dtype().size();
    let (run, pitch) = (source.shape()[axis] * inner, output.shape()[axis] * inner);
    let _guard = source.storage().read();
    let from = Shared(source.host_ptr().cast_const());
    let to = Shared(output.host_ptr().wrapping_add(start * inner));
    let copy = |row: usize, skip: usize, len: usize| {
        let (from, to) =
            (from.get().wrapping_add(row * run + skip), to.get().wrapping_add(row * pitch + skip));
        // SAFETY: the run lies inside the source, which is locked, and inside the output, which is new.
        unsafe { std::ptr::copy_nonoverlapping(from, to, len) }
    };
    if outer == 1 {
        parallel::for_each_chunk(run, 8 * GRAIN, |range| copy(0, range.start, range.len()));
    } else {
        let grain = (8 * GRAIN / run).max(1);
        parallel::for_each_chunk(outer, grain, |rows| rows.for_each(|row| copy(row, 0, run)));
    }
    Ok(())
}
