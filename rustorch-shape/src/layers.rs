//! The one table of the layers that `model!` knows.
//!
//! A layer enters RusTorch here: the macro parses and checks by this table, `nn` has a layer of the
//! same name, with a builder that takes the required arguments and a method for each of the others,
//! and a test compares the two. Layers that others define enter `model!` as submodels instead.

pub(crate) mod activation;
mod conv;
mod linear;
mod norm;
pub(crate) mod pool;

use crate::args::{ArgSpec, Args, Fallback, Rule, check_feature};
use crate::error::Result;
use crate::poly::{Claim, Poly};

/// A layer: its name, its arguments, its parameters and its shape rule.
#[derive(Clone, Copy, Debug)]
pub struct LayerSpec {
    /// The name in `nn`, which is PyTorch's.
    pub name: &'static str,
    /// What it computes, in a line.
    pub summary: &'static str,
    /// Its arguments: the required ones in the order in which the builder takes them.
    pub args: &'static [ArgSpec],
    /// Its parameters and buffers, by the names of PyTorch's `state_dict`.
    pub state: fn(&Args) -> Result<Vec<StateSpec>>,
    /// The shape of its output.
    pub rule: Rule,
}

/// A parameter or buffer of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSpec {
    /// The name in the `state_dict`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<Poly>,
    /// Whether it is a buffer: part of the state, but not trained.
    pub is_buffer: bool,
}

/// Every layer, in the order of the reference documentation.
pub const LAYERS: &[LayerSpec] = &[
    linear::LINEAR,
    linear::EMBEDDING,
    linear::FLATTEN,
    linear::IDENTITY,
    conv::CONV1D,
    conv::CONV2D,
    pool::MAX_POOL2D,
    pool::AVG_POOL2D,
    pool::ADAPTIVE_AVG_POOL2D,
    norm::BATCH_NORM1D,
    norm::BATCH_NORM2D,
    norm::LAYER_NORM,
    norm::GROUP_NORM,
    norm::RMS_NORM,
    activation::RELU,
    activation::GELU,
    activation::SILU,
    activation::TANH,
    activation::SIGMOID,
    activation::LEAKY_RELU,
    activation::ELU,
    activation::SOFTMAX,
    activation::LOG_SOFTMAX,
    activation::DROPOUT,
];

/// The layer of this name.
pub fn find(name: &str) -> Option<&'static LayerSpec> {
    LAYERS.iter().find(|layer| layer.name == name)
}

impl LayerSpec {
    /// The shape of the output for an input of this shape.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    pub fn output(&self, args: &Args, input: &[Poly], claims: &mut Vec<Claim>) -> Result<Vec<Poly>> {
        for arg in self.args {
            if let Fallback::Inferred(feature) = arg.fallback {
                check_feature(args, arg.name, feature, input, claims)?;
            }
        }
        let mut outputs = (self.rule)(args, &[input], claims)?;
        Ok(outputs.swap_remove(0))
    }
}

fn parameter(name: &'static str, shape: Vec<Poly>) -> StateSpec {
    StateSpec { name, shape, is_buffer: false }
}

fn buffer(name: &'static str, shape: Vec<Poly>) -> StateSpec {
    StateSpec { name, shape, is_buffer: true }
}

fn no_state(_: &Args) -> Result<Vec<StateSpec>> {
    Ok(Vec::new())
}

fn same(_: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![inputs[0].to_vec()])
}

#[cfg(test)]
mod tests;
