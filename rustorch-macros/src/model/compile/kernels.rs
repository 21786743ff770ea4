//! Which layers and functions are kernels of the pass; any other is an island.

use super::super::callee::Callee;
use super::super::codegen;
use super::super::ir::{Model, Var};
use super::super::lower::{Arg, Instruction, Part, layer_args};
use super::elements::Elements;
use super::steps::Compiler;
use super::{Act, Chain, Factors, Kind, Map, Operand, PartOp, attention};
use crate::fuse::functions::find;
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::Size;
use rustorch_shape::args::{Args, Value};

impl Compiler<'_> {
    /// The kernel of a layer that maps one tensor to one, if it has one.
    pub fn layer<'p>(&self, callee: Callee, input: Var, result: Var) -> Option<Kind<'p>> {
        let (layer, args) = self.model.layer(self.checked, callee.field)?;
        if let Some(act) = activation(layer.spec.name, args, || layer_args(layer, args)) {
            return Some(act.kind(input, result));
        }
        Some(match layer.spec.name {
            "Linear" => linear(callee, None, input),
            "Conv1d" | "Conv2d" if pads_with_zeros(args) => {
                Kind::Conv2d { layer: callee, input, norm: None, residual: None, act: None, pool: None }
            }
            "BatchNorm1d" | "BatchNorm2d" | "BatchNorm3d" => {
                Kind::ChannelNorm { layer: callee, input, residual: None, act: None }
            }
            "LayerNorm" | "RMSNorm" => Kind::RowNorm { layer: callee, input },
            "Embedding" => Kind::Embedding { layer: callee, input, is_plain: is_plain_table(args) },
            "Flatten" | "Unflatten" | "Identity" => Kind::Reshape { input },
            // Of channels: their factors, which have no other axes.
            "Dropout1d" | "Dropout2d" | "Dropout3d" if !self.is_per_channel(input) => return None,
            "Dropout" | "Dropout1d" | "Dropout2d" | "Dropout3d" => {
                Kind::Chain(Chain::of(result, PartOp::Dropout { input, factors: Factors::Layer(callee) }))
            }
            name if is_recurrent(name, args) => {
                Kind::Recurrent { layer: callee, input, table: None, states: Vec::new() }
            }
            name if is_projected(name, args) => return Some(self.projected(callee, &[input])),
            _ => return self.plain_layer(callee, input),
        })
    }

    /// The kernel of a part of a layer.
    pub fn part<'p>(&self, owner: Callee, part: &Part, inputs: &[Var], result: Var) -> Option<Kind<'p>> {
        let &input = inputs.first()?;
        Some(match part {
            Part::Linear { projections } => linear(owner, *projections, input),
            Part::Norm => Kind::RowNorm { layer: owner, input },
            Part::Dropout => {
                Kind::Chain(Chain::of(result, PartOp::Dropout { input, factors: Factors::Layer(owner) }))
            }
            Part::Volumes => {
                let layer = codegen::reference(self.model, owner);
                Kind::Kernel {
                    method: "conv3d",
                    name: self.model.fields[owner.field].label.clone(),
                    inputs: vec![input],
                    options: format!("::rustorch::__private::compiled::Conv3d::padded({layer})"),
                    number: None,
                }
            }
            Part::Attention { mask, causal } => {
                let args = [Arg::Tensor(*mask), Arg::Tokens(causal.clone()), Arg::Tensor(None)];
                return attention::attention(self.checked, inputs, &args, result, Some(owner));
            }
        })
    }

    /// Whether nothing is behind the channels of a tensor.
    fn is_per_channel(&self, var: Var) -> bool {
        let shape = self.checked.shapes.get(var).and_then(Option::as_ref);
        shape.is_some_and(|shape| shape.iter().skip(2).all(|size| size.is(1)))
    }

    /// The kernel of a recurrent layer, if it has one.
    pub fn recurrent<'p>(&self, callee: Callee, input: Var, states: &[Var]) -> Option<Kind<'p>> {
        let (layer, args) = self.model.layer(self.checked, callee.field)?;
        if is_projected(layer.spec.name, args) {
            return Some(self.projected(callee, &[&[input], states].concat()));
        }
        is_recurrent(layer.spec.name, args).then(|| Kind::Recurrent {
            layer: callee,
            input,
            table: None,
            states: states.to_vec(),
        })
    }

    /// An LSTM whose states are projected.
    fn projected<'p>(&self, callee: Callee, inputs: &[Var]) -> Kind<'p> {
        let layer = codegen::reference(self.model, callee);
        Kind::Kernel {
            method: "projected",
            name: self.model.fields[callee.field].label.clone(),
            inputs: inputs.to_vec(),
            options: format!("::rustorch::__private::compiled::Recurrence::from({layer})"),
            number: None,
        }
    }

    /// The kernel of a function, if it has one.
    pub fn function<'p>(
        &self,
        name: &'static str,
        inputs: &[Var],
        args: &[Arg],
        results: &[Var],
    ) -> Option<Kind<'p>> {
        if name == "attention_mask" {
            return attention::mask(inputs, args);
        }
        let &input = inputs.first()?;
        let shape = |var: Var| self.checked.shapes.get(var)?.as_ref();
        Some(match name {
            "relu" | "silu" | "tanh" | "sigmoid" | "exp" | "log" | "sqrt" | "rsqrt" | "square" | "abs"
            | "sin" | "cos" | "neg" => Kind::Unary { act: Act::plain(name), input },
            "gelu" => match args {
                [Arg::Text(text)] if text == "none" => Kind::Unary { act: Act::plain("gelu"), input },
                [Arg::Text(text)] if text == "tanh" => Kind::Unary { act: Act::plain("gelu_tanh"), input },
                _ => return None,
            },
            "leaky_relu" | "elu" => Kind::Unary {
                act: Act { name, params: args.iter().map(number).collect::<Option<_>>()? },
                input,
            },
            "scaled_dot_product_attention" => {
                return attention::attention(self.checked, inputs, args, *results.first()?, None);
            }
            "detach" => Kind::Detach { input },
            "contiguous" | "flatten" | "reshape" | "unflatten" | "squeeze" | "unsqueeze" => {
                Kind::Reshape { input }
            }
            "prelu" => {
                let operands = inputs.iter().copied().map(Operand::Tensor).collect();
                Kind::Chain(Chain::of(*results.first()?, PartOp::Call { name: "leaky_relu", operands }))
            }
            "permute" | "transpose" | "movedim" => {
                let rank = shape(input)?.len();
                let mut dims: Vec<usize> = (0..rank).collect();
                match args {
                    [Arg::Axes(axes)] => {
                        dims = axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<_>>()?;
                    }
                    [Arg::Axis(a), Arg::Axis(b)] => dims.swap(normal(*a, rank)?, normal(*b, rank)?),
                    [Arg::Axes(from), Arg::Axes(to)] => dims = moved(from, to, rank)?,
                    _ => return None,
                }
                (dims.len() == rank).then_some(())?;
                Kind::Permute { input, dims }
            }
            "dropout" => {
                // What is made of it may name itself.
                let (p, op) = match args {
                    [p, Arg::Training] => (p, name.into()),
                    [p, Arg::Training, Arg::Text(op)] => (p, op.clone()),
                    _ => return None,
                };
                let factors = Factors::Probability(number(p)?, op);
                Kind::Chain(Chain::of(*results.first()?, PartOp::Dropout { input, factors }))
            }
            "where_" => {
                let [yes, no] = args else { return None };
                let (yes, no) = (operand(yes)?, operand(no)?);
                let op = PartOp::Where { mask: input, yes, no, fill: None };
                Kind::Chain(Chain::of(*results.first()?, op))
            }
            "masked_fill" => {
                let (&[x, mask], [value]) = (inputs, args) else { return None };
                let fill = number(value)?;
                let yes = Operand::Number(fill.clone());
                let op = PartOp::Where { mask, yes, no: Operand::Tensor(x), fill: Some(fill) };
                Kind::Chain(Chain::of(*results.first()?, op))
            }
            _ => match self.plain(name, inputs, args) {
                Some(kind) => kind,
                None => return elementwise(name, inputs, args, *results.first()?),
            },
        })
    }
}

fn linear<'p>(layer: Callee, projections: Option<[usize; 2]>, input: Var) -> Kind<'p> {
    Kind::Linear { map: Map { layer, projections }, input, act: None, last: None }
}

/// An elementwise function, by a kernel of the library or else as a chain.
fn elementwise<'p>(name: &'static str, inputs: &[Var], args: &[Arg], result: Var) -> Option<Kind<'p>> {
    let tensors = inputs.iter().map(|var| Some(Operand::Tensor(*var)));
    let operands: Vec<Operand> = tensors.chain(args.iter().map(operand)).collect::<Option<_>>()?;
    let name = match name {
        "clamp_min" => "maximum",
        "clamp_max" => "minimum",
        "sgn" => "sign",
        name => name,
    };
    if ["add", "sub", "mul", "div", "maximum", "minimum"].contains(&name) {
        let [left, right] = <[Operand; 2]>::try_from(operands).ok()?;
        return Some(Kind::Binary { op: name, left, right });
    }
    // Numbers that these may refuse, and that are not known here, are the method's to check.
    let is_limited = ["celu", "hardtanh", "softshrink", "threshold"].contains(&name);
    let is_known = |arg: &Arg| matches!(arg, Arg::Float(number) if fits(*number));
    (!is_limited || args.iter().all(is_known)).then_some(())?;
    (operands.len() == find(name)?.arguments.len()).then_some(())?;
    Some(Kind::Chain(Chain::of(result, PartOp::Call { name, operands })))
}

/// Whether a number is one of the pass's dtype.
fn fits(number: f64) -> bool {
    number.is_infinite() || number.is_nan() || (number as f32).is_finite()
}

impl Act {
    /// As a kernel of the library, or else as a chain.
    fn kind<'p>(self, input: Var, result: Var) -> Kind<'p> {
        if OPERATORS.contains(&self.name) {
            return Kind::Unary { act: self, input };
        }
        let numbers = self.params.into_iter().map(Operand::Number);
        let operands = std::iter::once(Operand::Tensor(input)).chain(numbers).collect();
        Kind::Chain(Chain::of(result, PartOp::Call { name: self.name, operands }))
    }
}

/// The activations that the library has operators for.
const OPERATORS: &[&str] = &["relu", "silu", "tanh", "sigmoid", "gelu", "gelu_tanh", "leaky_relu", "elu"];

/// The elementwise function of an activation layer.
fn activation(
    name: &str,
    args: &Args,
    given: impl Fn() -> (Vec<Arg>, Vec<(&'static str, Arg)>),
) -> Option<Act> {
    let float = |name: &str| match args.get(name) {
        Some(Value::Float(number)) => Some(quote!(#number)),
        Some(Value::Expression) => {
            given().1.iter().find(|(other, _)| *other == name).and_then(|(_, arg)| number(arg))
        }
        _ => None,
    };
    // Where a function refuses numbers, those that are not known here are the method's to check.
    let known = |name: &str| args.number(name).filter(|number| fits(*number)).map(|number| quote!(#number));
    Some(match name {
        "ReLU" => Act::plain("relu"),
        "SiLU" => Act::plain("silu"),
        "Tanh" => Act::plain("tanh"),
        "Sigmoid" => Act::plain("sigmoid"),
        "GELU" => match args.get("approximate") {
            Some(Value::Text(text)) if text == "tanh" => Act::plain("gelu_tanh"),
            Some(Value::Text(text)) if text == "none" => Act::plain("gelu"),
            _ => return None,
        },
        "LeakyReLU" => Act { name: "leaky_relu", params: vec![float("negative_slope")?] },
        "ELU" => Act { name: "elu", params: vec![float("alpha")?] },
        "ReLU6" => Act::plain("relu6"),
        "SELU" => Act::plain("selu"),
        "CELU" => Act { name: "celu", params: vec![known("alpha")?] },
        "Mish" => Act::plain("mish"),
        "Softplus" => Act { name: "softplus", params: vec![float("beta")?, float("threshold")?] },
        "Hardswish" => Act::plain("hardswish"),
        "Hardsigmoid" => Act::plain("hardsigmoid"),
        "Hardtanh" => Act { name: "hardtanh", params: vec![known("min_val")?, known("max_val")?] },
        "LogSigmoid" => Act::plain("log_sigmoid"),
        "Softsign" => Act::plain("softsign"),
        "Tanhshrink" => Act::plain("tanhshrink"),
        "Hardshrink" => Act { name: "hardshrink", params: vec![float("lambd")?] },
        "Threshold" => Act { name: "threshold", params: vec![known("threshold")?, known("value")?] },
        "Softshrink" => Act { name: "softshrink", params: vec![known("lambd")?] },
        _ => return None,
    })
}

fn operand(arg: &Arg) -> Option<Operand> {
    match arg {
        Arg::Given(var) => Some(Operand::Tensor(*var)),
        arg => number(arg).map(Operand::Number),
    }
}

pub(super) fn number(arg: &Arg) -> Option<TokenStream> {
    match arg {
        Arg::Float(number) => Some(quote!(#number)),
        Arg::Tokens(tokens) => Some(tokens.clone()),
        _ => None,
    }
}

/// The axes in order when some are moved to these places.
fn moved(from: &[isize], to: &[isize], rank: usize) -> Option<Vec<usize>> {
    let places = |axes: &[isize]| axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<Vec<_>>>();
    let (from, to) = (places(from)?, places(to)?);
    let mut rest = (0..rank).filter(|axis| !from.contains(axis));
    let at = |place: usize| match to.iter().position(|there| *there == place) {
        Some(moved) => from.get(moved).copied(),
        None => rest.next(),
    };
    (0..rank).map(at).collect()
}

pub(super) fn normal(axis: isize, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as isize } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

/// A call that runs on tensors.
pub(super) fn island<'p>(instruction: &'p Instruction, model: &Model, elements: &Elements) -> Kind<'p> {
    let mut inputs: Vec<Var> = Vec::new();
    for var in instruction.operands() {
        if !inputs.contains(&var) {
            inputs.push(var);
        }
    }
    let layer = match instruction {
        Instruction::Layer { field, .. } => Some(Callee::whole(*field)),
        Instruction::LayerCall { field, element, .. } => Some(Callee::new(*field, *element)),
        _ => None,
    };
    let contents = elements.of_results(model, instruction);
    Kind::Island { instruction, inputs, layer, contents }
}

/// Whether a convolution pads by itself.
pub(in super::super) fn pads_with_zeros(args: &Args) -> bool {
    match args.get("padding_mode") {
        Some(Value::Text(mode)) => mode == "zeros",
        _ => true,
    }
}

/// Whether this is a recurrent layer, or a step of one, whose state is not projected.
pub(in super::super) fn is_recurrent(name: &str, args: &Args) -> bool {
    let is_known = ["Rnn", "Lstm", "Gru", "RnnCell", "LstmCell", "GruCell"].contains(&name);
    is_known && args.get("proj_size").is_none_or(|size| matches!(size, Value::Size(size) if size.is(0)))
}

/// Whether this is an LSTM whose state is projected, to fewer features that may be known later.
pub(in super::super) fn is_projected(name: &str, args: &Args) -> bool {
    name == "Lstm" && !is_recurrent(name, args)
}

/// Whether a table of rows is read and its gradient added up without any of the options that change either.
pub(in super::super) fn is_plain_table(args: &Args) -> bool {
    matches!(args.get("padding_idx"), None | Some(Value::Absent))
        && !is_scaled_table(args)
        && matches!(args.get("scale_grad_by_freq"), None | Some(Value::Bool(false)))
}

/// Whether rows of a table that are too long are scaled down in place.
pub(in super::super) fn is_scaled_table(args: &Args) -> bool {
    !matches!(args.get("max_norm"), None | Some(Value::Absent))
}
