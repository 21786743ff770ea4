//! Addition at indices.

use crate::autograd::{Grads, record};
use crate::dtype::dispatch;
use crate::ops::elementwise::Number;
use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// A copy in which the entries of `source` are added to the entries of an axis that `index` names, repeated
    /// indices adding up (`torch.index_add`).
    ///
    /// # Errors
    /// If the index is not a vector of `I64`, an entry is outside the axis, or the source's shape does not fit.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let sum = Tensor::zeros([3]).index_add(0, &Tensor::from([2i64, 0, 2]), &Tensor::from([1.0f32, 2.0, 3.0]))?;
    /// assert_eq!(sum.to_vec::<f32>()?, [2.0, 0.0, 4.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn index_add(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        let at = self.axis("index_add", axis)?;
        let mut expected = self.shape().to_vec();
        if let Some(size) = expected.get_mut(at) {
            *size = index.numel();
        }
        if index.dtype() != DType::I64 || index.rank() != 1 {
            return Err(Error::argument(
                "index_add",
                format!(
                    "the index is a {} of rank {}, expected a vector of int64",
                    index.dtype(),
                    index.rank()
                ),
            ));
        }
        if source.shape() != expected || source.dtype() != self.dtype() {
            return Err(Error::argument(
                "index_add",
                format!(
                    "the source is {:?} {}, expected {expected:?} {}",
                    source.shape(),
                    source.dtype(),
                    self.dtype()
                ),
            ));
        }
        let size = self.shape().get(at).copied().unwrap_or(1);
        let positions = index.to_vec::<i64>()?;
        if let Some(&bad) = positions.iter().find(|&&i| !(0..size as i64).contains(&i)) {
            return Err(Error::Index { op: "index_add", index: bad, axis: at, size });
        }
        let output = crate::no_grad(|| self.copy());
        let values = crate::no_grad(|| source.contiguous());
        let outer: usize = self.shape()[..at].iter().product();
        let inner: usize = self.shape().get(at + 1..).unwrap_or_default().iter().product();
        {
            let _guard = values.storage().read();
            dispatch!(self.dtype(), T => {
                // SAFETY: both are contiguous, `values` is locked and `output` is ours alone.
                let (to, from) = unsafe {
                    (
                        std::slice::from_raw_parts_mut(output.host_ptr().cast::<T>(), output.numel()),
                        std::slice::from_raw_parts(values.host_ptr().cast::<T>(), values.numel()),
                    )
                };
                add_rows(to, from, &positions, outer, size, inner);
            });
        }
        let index = index.clone();
        record("index_add", &[&output], &[self, source], || {
            Box::new(move |ctx| {
                let grad = ctx.grad()?;
                let source = if ctx.needs(1) { Some(grad.index_select(axis, &index)?) } else { None };
                Ok(Grads::from_iter([Some(grad.clone()), source]))
            })
        });
        Ok(output)
    }

    /// The entries of an axis that `index` names, in its order (`torch.index_select`).
    ///
    /// # Errors
    /// If the index is not a vector of `I64`, or an entry is outside the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([10, 20, 30]).index_select(0, &Tensor::from([2i64, 0]))?;
    /// assert_eq!(x.to_vec::<i32>()?, [30, 10]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn index_select(&self, axis: isize, index: &Tensor) -> Result<Tensor> {
        let at = self.axis("index_select", axis)?;
        let size = self.shape().get(at).copied().unwrap_or(1);
        let positions = index.to_vec::<i64>()?;
        if let Some(&bad) = positions.iter().find(|&&i| !(0..size as i64).contains(&i)) {
            return Err(Error::Index { op: "index_select", index: bad, axis: at, size });
        }
        let shape = rustorch_shape::rules::index_select(self.shape(), axis, index.shape())?;
        let data = crate::no_grad(|| self.contiguous());
        let output = Tensor::uninit(&shape, self.dtype(), self.device())?;
        let outer: usize = self.shape()[..at].iter().product();
        let run =
            self.shape().get(at + 1..).unwrap_or_default().iter().product::<usize>() * self.dtype().size();
        {
            let _guard = data.storage().read();
            for o in 0..outer {
                for (k, &position) in positions.iter().enumerate() {
                    let from = data.host_ptr().wrapping_add((o * size + position as usize) * run);
                    let to = output.host_ptr().wrapping_add((o * positions.len() + k) * run);
                    // SAFETY: positions were checked; input and output are contiguous and distinct.
                    unsafe { std::ptr::copy_nonoverlapping(from, to, run) }
                }
            }
        }
        let (index, like) = (index.clone(), self.layout().shape.clone());
        record("index_select", &[&output], &[self], || {
            Box::new(move |ctx| {
                let grad = ctx.grad()?;
                let zeros = Tensor::try_full(&like, 0.0, grad.dtype(), grad.device())?;
                Ok(Grads::from_iter([Some(zeros.index_add(axis, &index, grad)?)]))
            })
        });
        Ok(output)
    }
}

fn add_rows<T: Number>(to: &mut [T], from: &[T], positions: &[i64], outer: usize, size: usize, inner: usize) {
    for o in 0..outer {
        for (k, &position) in positions.iter().enumerate() {
            let target = &mut to[(o * size + position as usize) * inner..][..inner];
            let source = &from[(o * positions.len() + k) * inner..][..inner];
            for (t, s) in target.iter_mut().zip(source) {
                *t = T::from_c64(t.to_c64() + s.to_c64());
            }
        }
    }
}
