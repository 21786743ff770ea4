//! Dropout and embeddings.

use crate::{DType, Error, Result, Tensor, no_grad};

/// In training, [`Tensor::dropout`]; otherwise the input as it is (`torch.nn.functional.dropout`).
///
/// # Errors
/// If `p` is not from 0 to 1, or the dtype is not a floating-point or complex type.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::ones([4]);
/// assert_eq!(F::dropout(&x, 0.5, false)?.to_vec::<f32>()?, [1.0; 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn dropout(input: &Tensor, p: f64, training: bool) -> Result<Tensor> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::argument("dropout", format!("p is {p}, expected a probability from 0 to 1")));
    }
    if training { input.dropout(p) } else { Ok(input.clone()) }
}

/// The rows of a table that integers name: `[…]` and `[entries, features] → […, features]`
/// (`torch.nn.functional.embedding`). The row `padding_idx` receives no gradient.
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
pub fn embedding(indices: &Tensor, weight: &Tensor, padding_idx: impl Into<Option<usize>>) -> Result<Tensor> {
    const OP: &str = "embedding";
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
    let out_of_range = |index: &&i64| !(0..entries as i64).contains(*index);
    if let Some(&index) = flat.to_vec::<i64>()?.iter().find(out_of_range) {
        return Err(Error::Index { op: OP, index, axis: 0, size: entries });
    }
    let mut shape = indices.shape().to_vec();
    shape.push(features);
    let rows = weight.index_select(0, &flat)?;
    let rows = match padding_idx.into() {
        None => rows,
        Some(padding) if padding >= entries => {
            return Err(Error::Index { op: OP, index: padding as i64, axis: 0, size: entries });
        }
        Some(padding) => {
            let is_padding = no_grad(|| flat.eq(padding)?.unsqueeze(1))?;
            Tensor::where_(&is_padding, &rows.detach(), &rows)?
        }
    };
    rows.reshape(shape)
}
