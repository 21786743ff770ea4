//! Hands tensors to the kernel.

use smallvec::SmallVec;

use super::{OP, Options};
use crate::dtype::dispatch;
use crate::kernels::attention::{self as kernel, Attention, Dropout, Gradients, Mask, Matrices};
use crate::kernels::isa;
use crate::layout::{Dims, Layout};
use crate::storage::Storage;
use crate::{DType, Result, Tensor};

/// The result, and the logarithm of each query's sum, `[heads · queries]`.
pub(super) fn forward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    options: &Options,
    dropout: Option<Dropout>,
) -> Result<(Tensor, Tensor)> {
    let rank = query.rank();
    let mut shape: Dims = query.shape().into();
    shape[rank - 1] = value.shape()[rank - 1];
    let output = uninit_like(query, shape)?;
    let rows: usize = query.shape()[..rank - 1].iter().product();
    let normalizers = Tensor::uninit(&[rows], query.dtype(), query.device())?;
    let _guards = [query, key, value].map(|tensor| tensor.storage().read());
    let _mask = options.mask.as_ref().map(|mask| mask.storage().read());
    dispatch!(float query.dtype(), OP, T => {
        let attention = describe::<T>([query, key, value], options, dropout);
        let to = matrices(&output, output.host_ptr().cast::<T>());
        // SAFETY: the layouts lie inside their storages, the inputs are locked; the outputs are fresh and ours alone, dense,
        // and of the sizes that the description says.
        unsafe { kernel::forward(isa(), &attention, &to, normalizers.host_ptr().cast()) };
    });
    Ok((output, normalizers))
}

/// The gradients that are wanted.
pub(super) fn backward(
    [query, key, value]: &[Tensor; 3],
    grad: &Tensor,
    (output, normalizers): (&Tensor, &Tensor),
    options: &Options,
    dropout: Option<Dropout>,
    wanted: [bool; 4],
) -> Result<[Option<Tensor>; 4]> {
    let last = grad.rank() - 1;
    let grad = if grad.strides()[last] == 1 { grad.clone() } else { grad.contiguous() };
    let fresh =
        |like: &Tensor, wanted: bool| wanted.then(|| uninit_like(like, like.shape().into())).transpose();
    let (dq, dk, dv) = (fresh(query, wanted[0])?, fresh(key, wanted[1])?, fresh(value, wanted[2])?);
    let dmask = match &options.mask {
        Some(mask) if wanted[3] => Some(Tensor::uninit(mask.shape(), mask.dtype(), mask.device())?),
        _ => None,
    };
    let _guards = [query, key, value, output, normalizers, &grad].map(|tensor| tensor.storage().read());
    let _mask = options.mask.as_ref().map(|mask| mask.storage().read());
    dispatch!(float query.dtype(), OP, T => {
        let to = |tensor: &Option<Tensor>| {
            tensor.as_ref().map(|tensor| matrices(tensor, tensor.host_ptr().cast::<T>()))
        };
        let gradients = Gradients {
            output: matrices(output, output.host_ptr().cast::<T>().cast_const()),
            normalizers: normalizers.host_ptr().cast(),
            doutput: matrices(&grad, grad.host_ptr().cast::<T>().cast_const()),
            dquery: to(&dq),
            dkey: to(&dk),
            dvalue: to(&dv),
            dmask: to(&dmask),
        };
        let attention = describe::<T>([query, key, value], options, dropout);
        // SAFETY: as in `forward`.
        unsafe { kernel::backward(isa(), &attention, &gradients) };
    });
    Ok([dq, dk, dv, dmask])
}

fn describe<T: crate::kernels::Float>(
    [query, key, value]: [&Tensor; 3],
    options: &Options,
    dropout: Option<Dropout>,
) -> Attention<T> {
    let rank = query.rank();
    let [queries, features] = [rank - 2, rank - 1].map(|axis| query.shape()[axis]);
    let [keys, width] = [rank - 2, rank - 1].map(|axis| value.shape()[axis]);
    let read = |tensor: &Tensor| matrices(tensor, tensor.host_ptr().cast::<T>().cast_const());
    let mask = match &options.mask {
        None => Mask::None,
        Some(mask) if mask.dtype() == DType::Bool => {
            Mask::Visible(matrices(mask, mask.host_ptr().cast::<bool>().cast_const()))
        }
        Some(mask) => Mask::Added(read(mask)),
    };
    Attention {
        heads: query.shape()[..rank - 2].into(),
        queries,
        keys,
        features,
        width,
        scale: T::of(options.scale),
        causal: options.causal,
        query: read(query),
        key: read(key),
        value: read(value),
        mask,
        dropout,
    }
}

/// The last two axes as matrices, the others as numbers of heads.
fn matrices<P>(tensor: &Tensor, ptr: P) -> Matrices<P> {
    let strides: SmallVec<[isize; 4]> = tensor.strides().iter().map(|&stride| stride as isize).collect();
    let rank = strides.len();
    // The stride of an axis of size 1 means nothing; the kernel wants contiguous columns.
    let column = if tensor.shape()[rank - 1] == 1 { 1 } else { strides[rank - 1] };
    Matrices { ptr, row: strides[rank - 2], column, heads: strides[..rank - 2].into() }
}

/// A fresh tensor whose axes lie in memory in the order of those of `like`, but for the last, which is contiguous.
fn uninit_like(like: &Tensor, shape: Dims) -> Result<Tensor> {
    let last = shape.len() - 1;
    let mut layout = Layout::following(shape.clone(), &[like.strides().into()]);
    if layout.strides[last] != 1 {
        layout = Layout::contiguous(shape);
    }
    let storage = Storage::uninit(layout.numel(), like.dtype(), like.device())?;
    Ok(Tensor::from_parts(storage, layout, like.dtype()))
}
