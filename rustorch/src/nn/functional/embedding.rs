//! Rows of tables.

use std::collections::HashMap;

use crate::autograd::{Grads, record};
use crate::dtype::dispatch;
use crate::kernels::rows as kernel;
use crate::storage::lock_for_write;
use crate::{DType, Error, Result, Tensor, no_grad};

const OP: &str = "embedding";

/// The options of [`embedding_with`], with PyTorch's defaults.
///
/// ```
/// use rustorch::nn::functional::EmbeddingOptions;
/// let options = EmbeddingOptions { padding_idx: Some(0), ..Default::default() };
/// assert_eq!(options.norm_type, 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmbeddingOptions {
    /// The row that receives no gradient, counted from the end if negative.
    pub padding_idx: Option<isize>,
    /// The greatest norm of a row: rows that are looked up and exceed it are scaled down to it, in the table itself.
    pub max_norm: Option<f64>,
    /// Which norm `max_norm` limits.
    pub norm_type: f64,
    /// Whether the gradient of a row is divided by how often the indices name it.
    pub scale_grad_by_freq: bool,
}

impl EmbeddingOptions {
    /// Whether rows are only read, and each adds to the gradient what flows to it.
    #[doc(hidden)]
    pub fn is_plain(&self) -> bool {
        self.padding_idx.is_none() && self.max_norm.is_none() && !self.scale_grad_by_freq
    }
}

impl Default for EmbeddingOptions {
    fn default() -> Self {
        Self { padding_idx: None, max_norm: None, norm_type: 2.0, scale_grad_by_freq: false }
    }
}

/// The rows of a table that integers name: `[…]` and `[entries, features] → […, features]`
/// (`torch.nn.functional.embedding`). The row `padding_idx`, counted from the end if negative, receives no gradient.
///
/// # Errors
/// If the table is not a matrix, or an index is not an integer of `0 .. entries`.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let table = Tensor::from([[0.0f32, 0.0], [1.0, 2.0]]);
/// assert_eq!(F::embedding(&Tensor::from([1i64, 1, 0]), &table, None)?.to_vec::<f32>()?, [1.0, 2.0, 1.0, 2.0, 0.0, 0.0]);
/// let error = F::embedding(&Tensor::from([7i64]), &table, None).unwrap_err();
/// assert_eq!(error.to_string(), "embedding: index 7 is out of range for axis 0 of size 2");
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn embedding(indices: &Tensor, weight: &Tensor, padding_idx: impl Into<Option<isize>>) -> Result<Tensor> {
    let options = EmbeddingOptions { padding_idx: padding_idx.into(), ..EmbeddingOptions::default() };
    embedding_with(indices, weight, &options)
}

/// [`embedding`] with options.
///
/// # Errors
/// As [`embedding`]; also if `padding_idx` is not a row, `max_norm` is not a number, or, with `max_norm`, the table may
/// not be changed in place for the sake of its gradient.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let table = Tensor::from([[3.0f32, 4.0], [0.3, 0.4]]);
/// let options = F::EmbeddingOptions { max_norm: Some(1.0), ..Default::default() };
/// let rows = F::embedding_with(&Tensor::from([0i64]), &table, &options)?;
/// assert!(rows.allclose(&Tensor::from([[0.6f32, 0.8]]), 1e-5, 0.0)?);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn embedding_with(indices: &Tensor, weight: &Tensor, options: &EmbeddingOptions) -> Result<Tensor> {
    let &[entries, features] = weight.shape() else {
        return Err(Error::argument(
            OP,
            format!("the table has shape {:?}, expected [entries, features]", weight.shape()),
        ));
    };
    if !indices.dtype().is_int() {
        return Err(Error::DType { op: OP, dtype: indices.dtype(), expected: "integer indices" });
    }
    let flat = no_grad(|| indices.to_dtype(DType::I64).reshape(-1))?;
    let numbers = flat.to_vec::<i64>()?;
    let out_of_range = |index: &&i64| !(0..entries as i64).contains(*index);
    if let Some(&index) = numbers.iter().find(out_of_range) {
        return Err(Error::Index { op: OP, index, axis: 0, size: entries });
    }
    let padding = padding_row(options, entries)?;
    if let Some(max_norm) = options.max_norm {
        limit_rows(weight, &numbers, max_norm, options.norm_type)?;
    }
    let mut shape = indices.shape().to_vec();
    shape.push(features);
    let mut rows = weight.index_select(0, &flat)?;
    if options.scale_grad_by_freq && rows.requires_grad() {
        rows = share_gradient(&rows, &numbers)?;
    }
    if let Some(padding) = padding {
        let is_padding = no_grad(|| flat.eq(padding)?.unsqueeze(1))?;
        rows = Tensor::where_(&is_padding, &rows.detach(), &rows)?;
    }
    rows.reshape(shape)
}

/// The row that receives no gradient.
pub(crate) fn padding_row(options: &EmbeddingOptions, entries: usize) -> Result<Option<usize>> {
    let Some(index) = options.padding_idx else { return Ok(None) };
    let positive = if index < 0 { index + entries as isize } else { index };
    let in_range = usize::try_from(positive).ok().filter(|&row| row < entries);
    in_range.map(Some).ok_or(Error::Index { op: OP, index: index as i64, axis: 0, size: entries })
}

/// Scales the named rows of the table, which it has, down to a norm, in place.
pub(crate) fn limit_rows(weight: &Tensor, rows: &[i64], max_norm: f64, norm_type: f64) -> Result<()> {
    if max_norm.is_nan() || norm_type.is_nan() {
        return Err(Error::argument(OP, format!("max_norm is {max_norm} and norm_type is {norm_type}")));
    }
    // Of no rows there is no greatest element either.
    if rows.is_empty() {
        return Ok(());
    }
    if weight.device().is_cpu() && weight.is_contiguous() && matches!(weight.dtype(), DType::F32 | DType::F64)
    {
        dispatch!(float weight.dtype(), OP, T => {
            let size = [weight.shape()[0], weight.shape()[1]];
            let _guard = lock_for_write(weight.storage(), &[]);
            // SAFETY: a contiguous matrix of this size, which is locked.
            unsafe { kernel::limit_rows(weight.host_ptr().cast::<T>(), size, rows, max_norm, norm_type) };
        });
        weight.storage().bump_version();
        return Ok(());
    }
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows.dedup();
    let count = rows.len();
    no_grad(|| {
        let rows = Tensor::from_vec(rows, [count])?;
        let values = weight.index_select(0, &rows)?;
        let norms = values.norm_dim(norm_type, 1, true)?;
        let scale = Tensor::where_(&norms.gt(max_norm)?, &norms.add(1e-7)?.reciprocal().mul(max_norm)?, 1.0)?;
        weight.index_copy_(0, &rows, &values.mul(&scale)?).map(drop)
    })
}

/// The same rows, whose gradients are divided by how often their index occurs.
#[inline]
fn share_gradient(rows: &Tensor, numbers: &[i64]) -> Result<Tensor> {
    let mut counts: HashMap<i64, u32> = HashMap::new();
    numbers.iter().for_each(|&index| *counts.entry(index).or_default() += 1);
    let shares: Vec<f64> = numbers.iter().map(|index| 1.0 / f64::from(counts[index])).collect();
    let shares =
        no_grad(|| Ok::<_, Error>(Tensor::from_vec(shares, [numbers.len(), 1])?.to_dtype(rows.dtype())))?;
    let output = rows.detach();
    record(OP, &[&output], &[rows], || {
        Box::new(move |ctx| Ok(Grads::from_iter([Some(ctx.grad()?.mul(&shares)?)])))
    });
    Ok(output)
}
