//! Elementwise operations: one table entry each.
//!
//! An entry ([`Elementwise`]) is an expression and, per input, the expression of its gradient. Both are compiled three
//! times from the same tokens: as a SIMD loop for the CPU ([`kernel`]), as text for CUDA, and, for the gradient, as
//! tensor operations ([`traced`]), which run when the gradient itself is to be differentiated. The tables are in
//! [`table`]; what an expression may say is in [`lanes`].

mod bits;
mod cast;
#[allow(missing_docs, reason = "what `model!` expands to calls it")]
pub mod chain;
mod check;
mod complex;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod flat;
mod fuse;
mod gradient;
mod hyperbolic;
pub(crate) mod kernel;
#[allow(missing_docs, reason = "the words of expressions; exported for what `fuse!` expands to alone")]
pub mod lanes;
mod launch;
mod macros;
mod operand;
mod raw;
mod special;
pub(crate) mod table;
mod traced;
mod wide;
pub mod words;

use smallvec::SmallVec;

pub(crate) use cast::{Number, cast, for_each_row};
pub(crate) use check::check_operands;
#[cfg(feature = "cuda")]
pub(crate) use cuda::fill as cuda_fill;
pub use fuse::FusedNumber;
pub use kernel::{Domain, Kernel, Params};
pub(crate) use kernel::{MAX_INPUTS, MAX_PARAMS};
pub(crate) use launch::{copy_elements, copy_elements_into};
pub use operand::Operand;
pub(crate) use operand::result_dtype;
pub(crate) use raw::{Mixed, copy_strided, flat, strided, truth};
pub use traced::Traced;

use check::{check_inplace_result, copy_if_overwritten};
use gradient::{backward, record};
use launch::{launch, launch_into};

use crate::autograd::{self, Saved};
use crate::tensor::refuse_partial_overlap;
use crate::{DType, Error, Result, Tensor};

/// One entry of the table.
pub struct Elementwise {
    /// What messages and the tape call it.
    pub name: &'static str,
    /// The numbers it is defined for.
    pub domain: Domain,
    /// Whether the result is a truth value.
    pub truth: bool,
    /// The loop for a compute dtype, if the entry has one.
    pub kernel: fn(DType) -> Option<Kernel>,
    /// The expression's text, its inputs and its parameters, for CUDA.
    pub source: Source,
    /// How to differentiate with respect to each input; empty if there is no gradient.
    pub gradients: &'static [Gradient],
}

/// An expression as text.
#[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "read by the CUDA feature"))]
pub struct Source {
    /// The names of its inputs.
    pub inputs: &'static [&'static str],
    /// The names of its parameters.
    pub params: &'static [&'static str],
    /// The text itself.
    pub expression: &'static str,
}

/// The gradient of an entry with respect to one input, as an expression over [`Variable`]s.
pub struct Gradient {
    /// What it mentions, in the order of the kernel's inputs.
    pub uses: &'static [Variable],
    /// The loop for a compute dtype, if there is one.
    pub kernel: fn(DType) -> Option<Kernel>,
    /// The expression's text, for CUDA.
    pub source: Source,
    /// The expression over tensor operations.
    pub trace: for<'a> fn(&[Traced<'a>], &Params) -> Traced<'a>,
}

impl Gradient {
    /// Whether it is the gradient of the result as it is.
    pub fn is_identity(&self) -> bool {
        self.source.expression == "g"
    }
}

/// What a gradient's expression may mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The gradient of the result.
    Grad,
    /// An input of the operation.
    Input(usize),
    /// The result of the operation.
    Output,
}

/// Computes an entry.
pub(crate) fn apply(entry: &'static Elementwise, inputs: &[Operand<'_>], params: Params) -> Result<Tensor> {
    apply_as(entry, inputs, params, result_dtype(inputs))
}

/// Computes an entry on inputs promoted to `common`.
pub(crate) fn apply_as(
    entry: &'static Elementwise,
    inputs: &[Operand<'_>],
    params: Params,
    common: DType,
) -> Result<Tensor> {
    let compute = entry.compute_dtype(common, inputs)?;
    let compute = if entry.truth { operand::comparable(inputs, compute) } else { compute };
    let result = if entry.truth { DType::Bool } else { compute };
    let rounded = entry.rounds_numbers(compute).then(|| operand::rounded(inputs, compute));
    let inputs = rounded.as_deref().unwrap_or(inputs);
    let output = launch(entry.name, entry.kernel, &entry.source, inputs, compute, result, params)?;
    record(entry, &output, inputs, params, compute)?;
    Ok(output)
}

/// Computes an entry in place of its first input.
pub(crate) fn apply_inplace(
    entry: &'static Elementwise,
    target: &Tensor,
    others: &[Operand<'_>],
    params: Params,
) -> Result<Tensor> {
    let tensors: SmallVec<[&Tensor; 3]> = others.iter().filter_map(Operand::tensor).collect();
    refuse_partial_overlap(entry.name, target, &tensors)?;
    let before = autograd::check_inplace(entry.name, target, &tensors)?;
    let separate: SmallVec<[Option<Tensor>; 3]> =
        others.iter().map(|other| copy_if_overwritten(target, other, before.is_needed())).collect();
    let mut inputs: SmallVec<[Operand<'_>; 3]> = SmallVec::new();
    inputs.push(Operand::Tensor(target));
    inputs.extend_from_slice(others);
    let compute = entry.compute_dtype(result_dtype(&inputs), &inputs)?;
    let result = if entry.truth { DType::Bool } else { compute };
    check_inplace_result(entry.name, target, &inputs, result)?;
    if entry.truth {
        // Truth values are bytes, which the target's dtype need not be.
        return target.overwrite(entry.name, &apply(entry, &inputs, params)?);
    }
    if before.is_needed() && target.base().is_some() {
        // The history of a view is that of its base, which `copy_` knows how to extend.
        let copy = target.copy();
        let mut operands: SmallVec<[Operand<'_>; 3]> = SmallVec::from_slice(&[Operand::Tensor(&copy)]);
        operands.extend_from_slice(others);
        return target.copy_(&apply(entry, &operands, params)?);
    }
    let saves_target = before.is_needed()
        && entry.gradients.iter().any(|gradient| gradient.uses.contains(&Variable::Input(0)));
    // The copy carries the history that the target has before the write, for gradients of the gradient.
    let original = saves_target.then(|| target.copy());
    for (input, copy) in inputs[1..].iter_mut().zip(&separate) {
        *input = copy.as_ref().map_or(*input, Operand::Tensor);
    }
    let rounded = entry.rounds_numbers(compute).then(|| operand::rounded(&inputs, compute));
    let operands = rounded.as_deref().unwrap_or(&inputs);
    launch_into(entry.name, entry.kernel, &entry.source, operands, compute, target, params)?;
    let mut saved: SmallVec<[Operand<'_>; 3]> = SmallVec::from_slice(operands);
    if let Some(original) = &original {
        saved[0] = Operand::Tensor(original);
    }
    let make = || backward(entry, &saved, Some(Saved::output(target, 0)), params, compute);
    autograd::record_inplace(entry.name, target, before, make)?;
    Ok(target.clone())
}

impl Elementwise {
    /// The dtype in which inputs of a common dtype are computed.
    fn compute_dtype(&self, common: DType, inputs: &[Operand<'_>]) -> Result<DType> {
        let dtype = match (self.domain, common, inputs) {
            // Only a power by a bool that is a number stays one (`torch.pow`).
            (Domain::Power, DType::Bool, [_, Operand::Scalar(crate::Scalar::Bool(_))]) => common,
            _ => self.domain.promote(common),
        };
        let refuses = match self.domain {
            Domain::Numeric | Domain::Quantity | Domain::Division => common == DType::Bool,
            Domain::Wide => dtype != dtype.compute(),
            _ => false,
        };
        if refuses || (self.kernel)(dtype.compute()).is_none() {
            return Err(Error::DType { op: self.name, dtype: common, expected: self.domain.expected() });
        }
        Ok(dtype)
    }

    /// Whether numbers are rounded to the dtype of the tensors before they are used, and not only to the wider one of
    /// the lanes: then `x.eq(0.1)` holds for what became of 0.1 in half precision.
    fn rounds_numbers(&self, dtype: DType) -> bool {
        (self.truth || self.domain == Domain::Division) && dtype.is_float() && dtype != dtype.compute()
    }
}
