//! The one table of the layers that `model!` knows.
//!
//! A layer enters RusTorch here: the macro parses and checks by this table, `nn` has a layer of the
//! same name, with a builder that takes the required arguments and a method for each of the others,
//! and a test compares the two. Layers that others define enter `model!` as submodels instead.

pub(crate) mod activation;
mod conv;
mod linear;
mod norm;
mod pad;
pub(crate) mod pool;
mod recurrent;
pub(crate) mod resample;
mod transformer;

use std::borrow::Cow;

use crate::args::{ArgSpec, Args, Rule};
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
    /// The tensors that it takes and gives.
    pub signature: Signature,
    /// The shapes of its results.
    pub rule: Rule,
}

/// The tensors that a layer takes and gives.
///
/// The rule gets the shapes of all tensors that are given, in this order; those of a state that is not given are missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signature {
    /// The tensors that must be given.
    pub inputs: &'static [&'static str],
    /// Further ones, of which all may be left out: the layer then takes the first in their place.
    pub more: &'static [&'static str],
    /// A recurrent state, which may be left out: one tensor, or a tuple of them.
    pub state: &'static [&'static str],
    /// Tensors and flags that go by name: masks.
    pub options: &'static [ArgSpec],
    /// What it gives.
    pub results: Results,
    /// The function of `rustorch::__private::model` that takes the layer, its inputs and all options in this order; `None` if the
    /// layer's `forward` does so itself.
    pub adapter: Option<&'static str>,
}

/// The results of a layer: a tensor, or a tuple of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// A tensor.
    One,
    /// Several.
    Tuple(&'static [Results]),
}

impl Signature {
    /// One tensor to one tensor: what `nn::Layer` is.
    pub const MAP: Signature = Signature {
        inputs: &["x"],
        more: &[],
        state: &[],
        options: &[],
        results: Results::One,
        adapter: None,
    };

    /// Whether the layer maps one tensor to one tensor, if it is given nothing else.
    pub fn is_map(&self) -> bool {
        self.inputs.len() == 1 && self.state.is_empty() && self.results == Results::One
    }
}

impl Results {
    /// The number of tensors.
    pub fn count(&self) -> usize {
        match self {
            Results::One => 1,
            Results::Tuple(parts) => parts.iter().map(Results::count).sum(),
        }
    }
}

/// A parameter or buffer of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSpec {
    /// The name in the `state_dict`.
    pub name: Cow<'static, str>,
    /// Its shape.
    pub shape: Vec<Poly>,
    /// Whether it is a buffer: part of the state, but not trained.
    pub is_buffer: bool,
}

/// Every layer, in the order of the reference documentation.
pub const LAYERS: &[LayerSpec] = &[
    linear::LINEAR,
    linear::EMBEDDING,
    linear::BILINEAR,
    linear::FLATTEN,
    linear::UNFLATTEN,
    linear::IDENTITY,
    conv::CONV1D,
    conv::CONV2D,
    conv::CONV3D,
    conv::CONV_TRANSPOSE1D,
    conv::CONV_TRANSPOSE2D,
    conv::CONV_TRANSPOSE3D,
    pool::MAX_POOL1D,
    pool::MAX_POOL2D,
    pool::MAX_POOL3D,
    pool::AVG_POOL1D,
    pool::AVG_POOL2D,
    pool::AVG_POOL3D,
    pool::LP_POOL1D,
    pool::LP_POOL2D,
    pool::LP_POOL3D,
    pool::ADAPTIVE_AVG_POOL1D,
    pool::ADAPTIVE_AVG_POOL2D,
    pool::ADAPTIVE_AVG_POOL3D,
    pool::ADAPTIVE_MAX_POOL1D,
    pool::ADAPTIVE_MAX_POOL2D,
    pool::ADAPTIVE_MAX_POOL3D,
    pad::ZERO_PAD1D,
    pad::ZERO_PAD2D,
    pad::ZERO_PAD3D,
    pad::CONSTANT_PAD1D,
    pad::CONSTANT_PAD2D,
    pad::CONSTANT_PAD3D,
    pad::REFLECTION_PAD1D,
    pad::REFLECTION_PAD2D,
    pad::REFLECTION_PAD3D,
    pad::REPLICATION_PAD1D,
    pad::REPLICATION_PAD2D,
    pad::REPLICATION_PAD3D,
    pad::CIRCULAR_PAD1D,
    pad::CIRCULAR_PAD2D,
    pad::CIRCULAR_PAD3D,
    resample::UPSAMPLE,
    resample::PIXEL_SHUFFLE,
    resample::PIXEL_UNSHUFFLE,
    norm::BATCH_NORM1D,
    norm::BATCH_NORM2D,
    norm::BATCH_NORM3D,
    norm::INSTANCE_NORM1D,
    norm::INSTANCE_NORM2D,
    norm::INSTANCE_NORM3D,
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
    activation::RELU6,
    activation::SELU,
    activation::CELU,
    activation::MISH,
    activation::SOFTPLUS,
    activation::LOG_SIGMOID,
    activation::SOFTSIGN,
    activation::TANHSHRINK,
    activation::HARDTANH,
    activation::HARDSIGMOID,
    activation::HARDSWISH,
    activation::HARDSHRINK,
    activation::SOFTSHRINK,
    activation::THRESHOLD,
    activation::PRELU,
    activation::RRELU,
    activation::GLU,
    activation::SOFTMAX,
    activation::SOFTMIN,
    activation::LOG_SOFTMAX,
    activation::SOFTMAX2D,
    activation::DROPOUT,
    activation::DROPOUT1D,
    activation::DROPOUT2D,
    activation::DROPOUT3D,
    activation::ALPHA_DROPOUT,
    activation::FEATURE_ALPHA_DROPOUT,
    recurrent::RNN,
    recurrent::LSTM,
    recurrent::GRU,
    recurrent::RNN_CELL,
    recurrent::LSTM_CELL,
    recurrent::GRU_CELL,
    transformer::MULTIHEAD_ATTENTION,
    transformer::TRANSFORMER_ENCODER_LAYER,
    transformer::TRANSFORMER_DECODER_LAYER,
    transformer::TRANSFORMER_ENCODER,
    transformer::TRANSFORMER_DECODER,
    transformer::TRANSFORMER,
];

/// The layer of this name.
pub fn find(name: &str) -> Option<&'static LayerSpec> {
    LAYERS.iter().find(|layer| layer.name == name)
}

#[cfg(feature = "symbolic")]
impl LayerSpec {
    /// The shape of the output for an input of this shape, of a layer that maps one tensor to one.
    ///
    /// # Errors
    /// When the input does not fit the layer.
    pub fn output(&self, args: &Args, input: &[Poly], claims: &mut Vec<Claim>) -> Result<Vec<Poly>> {
        Ok(self.outputs(args, &[input], claims)?.swap_remove(0))
    }

    /// The shapes of the results for inputs of these shapes.
    ///
    /// # Errors
    /// When an input does not fit the layer.
    pub fn outputs(
        &self,
        args: &Args,
        inputs: &[&[Poly]],
        claims: &mut Vec<Claim>,
    ) -> Result<Vec<Vec<Poly>>> {
        use crate::args::{Fallback, check_feature};
        for arg in self.args {
            if let (Fallback::Inferred(feature), Some(input)) = (arg.fallback, inputs.first()) {
                check_feature(args, arg.name, feature, input, claims)?;
            }
        }
        self.rule.apply(args, inputs, claims)
    }
}

fn parameter(name: impl Into<Cow<'static, str>>, shape: Vec<Poly>) -> StateSpec {
    StateSpec { name: name.into(), shape, is_buffer: false }
}

fn buffer(name: &'static str, shape: Vec<Poly>) -> StateSpec {
    StateSpec { name: name.into(), shape, is_buffer: true }
}

fn no_state(_: &Args) -> Result<Vec<StateSpec>> {
    Ok(Vec::new())
}

fn same(_: &Args, inputs: &[&[Poly]], _: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![inputs[0].to_vec()])
}

#[cfg(test)]
mod tests;
