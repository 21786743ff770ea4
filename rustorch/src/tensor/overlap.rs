//! What an operation in place may share with its operands: nothing, or everything element by element (`MemoryOverlap`
//! in PyTorch).

use crate::{Error, Result, Tensor};

/// How the memory of two tensors relates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlap {
    /// None is known of: there is none, or gaps between the elements make it hard to tell. The operand is then
    /// copied before the write.
    Unknown,
    /// Equal indices address the same element.
    Full,
    /// Some memory is the same, but under other indices.
    Partial,
}

/// An error if an operand of an elementwise operation shares memory with the tensor that is written to, other than
/// element by element: what is read would depend on what was already written.
pub(crate) fn refuse_partial_overlap(op: &'static str, target: &Tensor, operands: &[&Tensor]) -> Result<()> {
    refuse(op, target, operands, |overlap| overlap == Overlap::Partial)
}

/// An error if an operand shares memory with a tensor that is written to in another order than it is read in.
#[inline]
pub(crate) fn refuse_overlap(op: &'static str, target: &Tensor, operands: &[&Tensor]) -> Result<()> {
    refuse(op, target, operands, |overlap| overlap != Overlap::Unknown)
}

fn refuse(
    op: &'static str,
    target: &Tensor,
    operands: &[&Tensor],
    refused: impl Fn(Overlap) -> bool,
) -> Result<()> {
    let Some(operand) = operands.iter().find(|operand| refused(overlap(target, operand))) else {
        return Ok(());
    };
    let place = |tensor: &Tensor| {
        let (shape, strides) = (tensor.shape(), tensor.strides());
        format!("shape {shape:?}, strides {strides:?} and offset {}", tensor.layout().offset)
    };
    Err(Error::argument(
        op,
        format!(
            "the operand of {} shares memory with the tensor that is written to, of {}; pass a `copy()` of it",
            place(operand),
            place(target)
        ),
    ))
}

fn overlap(target: &Tensor, operand: &Tensor) -> Overlap {
    if !target.shares_storage(operand) || target.numel() == 0 || operand.numel() == 0 {
        return Overlap::Unknown;
    }
    if target.is_same(operand) {
        return Overlap::Full;
    }
    if !target.layout().is_dense() || !operand.layout().is_dense() {
        return Overlap::Unknown;
    }
    let bytes = |tensor: &Tensor| {
        let start = tensor.layout().offset * tensor.dtype().size();
        start..start + tensor.numel() * tensor.dtype().size()
    };
    let (written, read) = (bytes(target), bytes(operand));
    match written == read {
        true if target.strides() == operand.strides() => Overlap::Full,
        false if written.end <= read.start || read.end <= written.start => Overlap::Unknown,
        _ => Overlap::Partial,
    }
}
