//! The table of functions that the body of a `model!` may call.
//!
//! Each has a counterpart of the same name in the library that takes the tensors and then all
//! arguments in this order, defaults filled in.

mod arrange;
mod elementwise;
mod index;
mod network;
mod reduce;
mod tensor;
mod view;

use crate::args::{ArgSpec, Args, Rule, RuleFn};
use crate::error::Result;
use crate::poly::{Claim, Poly};

/// A function: its name, what it takes, and its shape rule.
#[derive(Clone, Copy, Debug)]
pub struct FunctionSpec {
    /// The name, which is PyTorch's.
    pub name: &'static str,
    /// What it computes, in a line.
    pub summary: &'static str,
    /// The tensors that it takes first.
    pub inputs: Inputs,
    /// Its other arguments.
    pub args: &'static [ArgSpec],
    /// What it gives.
    pub outputs: Outputs,
    /// The shapes of its results.
    pub rule: Rule,
}

/// The tensor operands of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// One for each of these names.
    Named(&'static [&'static str]),
    /// A list in brackets: `cat([a, b])`.
    List,
}

/// The results of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// A tensor.
    One,
    /// A tuple with as many tensors as there are pieces.
    Pieces,
    /// A tuple of this many.
    Tuple(usize),
    /// A tensor; another one in training (dropout).
    InTraining,
}

/// Every function.
pub const FUNCTIONS: &[&[FunctionSpec]] = &[
    elementwise::UNARY,
    elementwise::BINARY,
    elementwise::OTHERS,
    network::FUNCTIONS,
    tensor::FUNCTIONS,
    view::FUNCTIONS,
    arrange::FUNCTIONS,
    index::FUNCTIONS,
    reduce::FUNCTIONS,
];

/// The function of this name.
pub fn find(name: &str) -> Option<&'static FunctionSpec> {
    all().find(|function| function.name == name)
}

/// Every function, in the order of the reference documentation.
#[inline]
pub fn all() -> impl Iterator<Item = &'static FunctionSpec> {
    FUNCTIONS.iter().copied().flatten()
}

/// How messages and documentation call the groups of [`FUNCTIONS`].
pub const GROUPS: [&str; 9] = [
    "Elementwise, of one tensor",
    "Elementwise, of a tensor and a tensor or number",
    "Elementwise, of several tensors",
    "Layers as functions",
    "Products and joins",
    "Views",
    "Rearrangements",
    "Elements by index",
    "Reductions and orders",
];

const X: Inputs = Inputs::Named(&["x"]);

const fn of_x(
    name: &'static str,
    summary: &'static str,
    args: &'static [ArgSpec],
    rule: RuleFn,
) -> FunctionSpec {
    FunctionSpec { name, summary, inputs: X, args, outputs: Outputs::One, rule: Rule::new(rule) }
}

fn same(_: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![inputs[0].to_vec()])
}
