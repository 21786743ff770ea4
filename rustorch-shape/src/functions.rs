//! The table of functions that the body of a `model!` may call.
//!
//! Each has a counterpart of the same name in the library that takes the tensors and then all
//! arguments in this order, defaults filled in.

mod reduce;
mod tensor;
mod view;

use crate::args::{ArgSpec, Args, Rule};
use crate::error::Result;
use crate::layers::{activation, pool};
use crate::poly::{Claim, Poly};
use crate::rules;

/// A function: its name, what it takes, and its shape rule.
#[derive(Clone, Copy, Debug)]
pub struct FunctionSpec {
    /// The name, which is PyTorch's.
    pub name: &'static str,
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
    /// A tensor; another one in training (dropout).
    InTraining,
}

/// Every function.
pub const FUNCTIONS: &[&[FunctionSpec]] =
    &[ELEMENTWISE, POOLS, tensor::FUNCTIONS, view::FUNCTIONS, reduce::FUNCTIONS];

/// The function of this name.
pub fn find(name: &str) -> Option<&'static FunctionSpec> {
    all().find(|function| function.name == name)
}

/// Every function, in the order of the reference documentation.
pub fn all() -> impl Iterator<Item = &'static FunctionSpec> {
    FUNCTIONS.iter().copied().flatten()
}

const X: Inputs = Inputs::Named(&["x"]);

const ELEMENTWISE: &[FunctionSpec] = &[
    elementwise("relu", &[]),
    elementwise("gelu", activation::GELU_ARGS),
    elementwise("silu", &[]),
    elementwise("tanh", &[]),
    elementwise("sigmoid", &[]),
    elementwise("leaky_relu", activation::LEAKY_RELU_ARGS),
    elementwise("elu", activation::ELU_ARGS),
    elementwise("softplus", &[]),
    elementwise("exp", &[]),
    elementwise("log", &[]),
    elementwise("sqrt", &[]),
    elementwise("rsqrt", &[]),
    elementwise("square", &[]),
    elementwise("abs", &[]),
    elementwise("sin", &[]),
    elementwise("cos", &[]),
    FunctionSpec { outputs: Outputs::InTraining, ..elementwise("dropout", activation::DROPOUT_ARGS) },
    FunctionSpec { rule: activation::along_axis, ..elementwise("softmax", activation::SOFTMAX_ARGS) },
    FunctionSpec { rule: activation::along_axis, ..elementwise("log_softmax", activation::SOFTMAX_ARGS) },
];

const POOLS: &[FunctionSpec] = &[
    FunctionSpec { rule: pool::window_rule, ..elementwise("max_pool2d", pool::MAX_POOL2D_ARGS) },
    FunctionSpec { rule: pool::window_rule, ..elementwise("avg_pool2d", pool::AVG_POOL2D_ARGS) },
    FunctionSpec {
        rule: pool::adaptive_rule,
        ..elementwise("adaptive_avg_pool2d", pool::ADAPTIVE_POOL2D_ARGS)
    },
];

const fn elementwise(name: &'static str, args: &'static [ArgSpec]) -> FunctionSpec {
    FunctionSpec { name, inputs: X, args, outputs: Outputs::One, rule: same }
}

fn same(_: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::same(inputs[0])?])
}
