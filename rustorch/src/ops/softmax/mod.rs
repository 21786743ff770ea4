//! Softmax and its logarithm along an axis.

#[cfg(feature = "cuda")]
mod cuda;

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::isa;
use crate::kernels::softmax::{self as kernel, Kind, Shape};
use crate::{Device, Error, Result, Tensor};

impl Tensor {
    /// `exp(x) / Σ exp(x)` along an axis, without overflow (`torch.softmax`). For floats; half precision is computed in
    /// `F32`.
    ///
    /// # Errors
    /// If there is no such axis or the dtype is not a float.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::from([[0.0f32, 0.0], [1000.0, 0.0]]).softmax(1)?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.5, 0.5, 1.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn softmax(&self, axis: isize) -> Result<Tensor> {
        apply(Kind::Softmax, self, axis)
    }

    /// `x - log Σ exp(x)` along an axis: the logarithm of [`Tensor::softmax`], without loss of small probabilities
    /// (`torch.log_softmax`).
    ///
    /// # Errors
    /// As [`Tensor::softmax`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::from([1000.0f32, 0.0]).log_softmax(0)?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, -1000.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn log_softmax(&self, axis: isize) -> Result<Tensor> {
        apply(Kind::LogSoftmax, self, axis)
    }

    /// [`Tensor::softmax`] of the negated tensor (`torch.nn.functional.softmin`).
    ///
    /// # Errors
    /// As [`Tensor::softmax`].
    #[inline]
    pub fn softmin(&self, axis: isize) -> Result<Tensor> {
        self.neg().softmax(axis)
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Softmax => "softmax",
        Kind::LogSoftmax => "log_softmax",
    }
}

fn apply(kind: Kind, x: &Tensor, axis: isize) -> Result<Tensor> {
    let op = name(kind);
    let at = x.axis(op, axis)?;
    let dtype = x.dtype();
    if !dtype.is_float() {
        return Err(Error::DType { op, dtype, expected: "a floating-point dtype" });
    }
    // On CUDA the kernels convert half types on the way.
    if dtype.compute() != dtype && x.device().is_cpu() {
        return Ok(apply(kind, &x.to_dtype(dtype.compute()), axis)?.to_dtype(dtype));
    }
    let output = crate::no_grad(|| forward(kind, x, at))?;
    record(op, &[&output], &[x], || {
        let saved = Saved::output(&output, 0);
        Box::new(move |ctx: &Ctx<'_>| {
            let (dy, y) = (ctx.grad()?, saved.unpack(ctx)?);
            let dx =
                if ctx.create_graph() { composite(kind, &y, dy, at)? } else { backward(kind, &y, dy, at)? };
            Ok(Grads::from_iter([Some(dx)]))
        })
    });
    Ok(output)
}

fn forward(kind: Kind, x: &Tensor, axis: usize) -> Result<Tensor> {
    let x = x.contiguous();
    let output = prepare(kind, &x)?;
    let shape = shape_around(&x, axis);
    let _guard = x.storage().read();
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::run(kind, shape, &[&x], &output).map(|()| output);
    }
    dispatch!(float x.dtype(), name(kind), T => {
        // SAFETY: contiguous and of one shape, the input locked, the output ours alone.
        unsafe { kernel::forward::<T>(isa(), kind, shape, x.host_ptr().cast(), output.host_ptr().cast()) }
    });
    Ok(output)
}

/// The gradient by one kernel.
fn backward(kind: Kind, y: &Tensor, dy: &Tensor, axis: usize) -> Result<Tensor> {
    let [y, dy] = [y, dy].map(Tensor::contiguous);
    let output = prepare(kind, &y)?;
    let shape = shape_around(&y, axis);
    let _guards = (y.storage().read(), dy.storage().read());
    #[cfg(feature = "cuda")]
    if y.device().is_cuda() {
        return cuda::run(kind, shape, &[&y, &dy], &output).map(|()| output);
    }
    dispatch!(float y.dtype(), name(kind), T => {
        let (y, dy, dx) = (y.host_ptr().cast::<T>(), dy.host_ptr().cast(), output.host_ptr().cast());
        // SAFETY: as in `forward`.
        unsafe { kernel::backward::<T>(isa(), kind, shape, y, dy, dx) }
    });
    Ok(output)
}

/// The gradient by operations that can be differentiated again.
fn composite(kind: Kind, y: &Tensor, dy: &Tensor, axis: usize) -> Result<Tensor> {
    match kind {
        Kind::Softmax => {
            let weighted = dy.mul(y)?;
            weighted.sub(&y.mul(&weighted.sum_dim(axis, true)?)?)
        }
        Kind::LogSoftmax => dy.sub(&y.exp().mul(&dy.sum_dim(axis, true)?)?),
    }
}

fn prepare(
    #[cfg_attr(feature = "cuda", allow(unused_variables))] kind: Kind,
    like: &Tensor,
) -> Result<Tensor> {
    let (device, dtype) = (like.device(), like.dtype());
    match device {
        Device::Cpu => {}
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => {}
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => return Err(Error::Unavailable { op: name(kind), device, dtype }),
    }
    Tensor::uninit(like.shape(), dtype, device)
}

/// The sizes before, at and after an axis; a tensor without axes is one of size 1.
fn shape_around(tensor: &Tensor, axis: usize) -> Shape {
    let shape = tensor.shape();
    Shape {
        outer: shape.iter().take(axis).product(),
        dim: shape.get(axis).copied().unwrap_or(1),
        inner: shape.iter().skip(axis + 1).product(),
    }
}
