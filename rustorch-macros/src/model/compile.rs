//! From calls in order to a compiled pass: which calls become kernels of the pass, which are fused, and how long
//! each tensor is needed. The backward pass is read off the same steps in reverse by `codegen::compiled`.

mod attention;

pub(super) use attention::Heads;

use super::check::Checked;
use super::ir::{BinaryOp, Field, Model, Submodel, Var};
use super::lower::{Arg, Instruction, Program, Source, layer_args};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::Poly;
use rustorch_shape::args::{Args, Value};
use std::collections::BTreeSet;

/// Steps in order.
pub(super) struct Region<'p> {
    pub steps: Vec<Step<'p>>,
    pub results: Vec<Var>,
    /// The tensors that belong to the region: its parameters and all that its steps make.
    pub owned: BTreeSet<Var>,
    /// Parameters that no step uses.
    pub unused: Vec<Var>,
}

/// One step of the pass.
pub(super) struct Step<'p> {
    /// The place in the schedule.
    pub number: usize,
    pub kind: Kind<'p>,
    pub results: Vec<Var>,
    /// What nobody needs after it.
    pub dies: Vec<Var>,
}

pub(super) enum Kind<'p> {
    Linear {
        field: usize,
        input: Var,
        act: Option<Act>,
    },
    Conv2d {
        field: usize,
        input: Var,
        act: Option<Act>,
        /// Windows of which the maxima are taken last.
        pool: Option<TokenStream>,
    },
    RowNorm {
        field: usize,
        input: Var,
    },
    Embedding {
        field: usize,
        input: Var,
    },
    MaxPool {
        input: Var,
        pool: TokenStream,
    },
    Unary {
        act: Act,
        input: Var,
    },
    Binary {
        op: &'static str,
        left: Operand,
        right: Operand,
    },
    Reshape {
        input: Var,
    },
    Permute {
        input: Var,
        dims: Vec<usize>,
    },
    Attention {
        inputs: [Var; 3],
        operands: [Heads; 3],
        causal: TokenStream,
        out: Heads,
    },
    /// Any other call: operations on tensors.
    Island {
        instruction: &'p Instruction,
        inputs: Vec<Var>,
        layer: Option<usize>,
    },
    Submodel {
        target: Submodel,
        inputs: Vec<Var>,
    },
    If {
        then: Region<'p>,
        otherwise: Region<'p>,
    },
    /// `carried`: the variable inside, and the one it starts from.
    For {
        field: usize,
        carried: Vec<(Var, Var)>,
        body: Region<'p>,
    },
}

/// An elementwise function by the name of its operator, and its numbers.
#[derive(Clone)]
pub(super) struct Act {
    pub name: &'static str,
    pub params: Vec<TokenStream>,
}

pub(super) enum Operand {
    Tensor(Var),
    Number(TokenStream),
}

/// The compiled pass of a model; `None` if it has what such passes cannot do.
pub(super) fn compile<'p>(model: &Model, checked: &Checked, program: &'p Program) -> Option<Region<'p>> {
    let forward = model.forward.as_ref()?;
    // A second handle on a field that may be missing is not made yet.
    if model.fields.iter().any(Field::is_optional) {
        return None;
    }
    let compiler = Compiler { model, checked };
    let mut region = compiler.region(program, (0..forward.inputs.len()).collect())?;
    region.number(&mut 0);
    // What is used as indices is used as nothing else.
    let mixed = (0..forward.inputs.len()).any(|input| {
        let (indices, others) = region.index_uses(input);
        indices && others
    });
    (!mixed).then_some(region)
}

struct Compiler<'a> {
    model: &'a Model,
    checked: &'a Checked,
}

/// Functions that take or give truth values or indices, which do not pass between steps of the pass.
const NOT_NUMERIC: &[&str] = &[
    "all",
    "any",
    "argmax",
    "argmin",
    "embedding",
    "eq",
    "ge",
    "gather",
    "gt",
    "index_select",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "masked_fill",
    "ne",
    "sort",
    "take_along_dim",
    "topk",
    "where_",
];

impl Compiler<'_> {
    fn region<'p>(&self, program: &'p Program, parameters: Vec<Var>) -> Option<Region<'p>> {
        let mut steps: Vec<Step<'p>> = Vec::new();
        for instruction in &program.instructions {
            let (kind, results) = self.step(instruction)?;
            steps.push(Step { number: 0, kind, results, dies: Vec::new() });
        }
        fuse(&mut steps, &program.results);
        attention::absorb(&mut steps, &program.results);
        let mut owned: BTreeSet<Var> = parameters.iter().copied().collect();
        owned.extend(steps.iter().flat_map(|step| step.results.iter().copied()));
        let mut ended: BTreeSet<Var> = program.results.iter().copied().collect();
        for step in steps.iter_mut().rev() {
            let used: BTreeSet<Var> =
                step.kind.uses().into_iter().chain(step.results.iter().copied()).collect();
            step.dies = used.into_iter().filter(|var| owned.contains(var) && ended.insert(*var)).collect();
        }
        let unused = parameters.into_iter().filter(|var| !ended.contains(var)).collect();
        Some(Region { steps, results: program.results.clone(), owned, unused })
    }

    fn step<'p>(&self, instruction: &'p Instruction) -> Option<(Kind<'p>, Vec<Var>)> {
        Some(match instruction {
            Instruction::Layer { field, input, result } => {
                (self.layer(instruction, *field, *input), vec![*result])
            }
            Instruction::Function { name, inputs, args, results, .. } => {
                let kind = match self.function(name, inputs, args, results) {
                    Some(kind) => kind,
                    None if NOT_NUMERIC.contains(name) => return None,
                    None => island(instruction, None),
                };
                (kind, results.clone())
            }
            Instruction::Binary { op, left, right, result } => {
                let operand = |source: &Source| match source {
                    Source::Tensor(var) => Operand::Tensor(*var),
                    Source::Scalar(number) => Operand::Number(number.clone()),
                };
                let name = match op {
                    BinaryOp::Add => "add",
                    BinaryOp::Sub => "sub",
                    BinaryOp::Mul => "mul",
                    BinaryOp::Div => "div",
                };
                (Kind::Binary { op: name, left: operand(left), right: operand(right) }, vec![*result])
            }
            Instruction::Negate { input, result } => {
                (Kind::Unary { act: Act::plain("neg"), input: *input }, vec![*result])
            }
            Instruction::Einsum { result, .. } => (island(instruction, None), vec![*result]),
            Instruction::Submodel { target, inputs, results, .. } => {
                let inputs = inputs.iter().map(|(var, _)| *var).collect();
                let results = results.iter().map(|(var, _)| *var).collect();
                (Kind::Submodel { target: *target, inputs }, results)
            }
            Instruction::If { then, otherwise, results } => {
                let (then, otherwise) = (self.region(then, Vec::new())?, self.region(otherwise, Vec::new())?);
                (Kind::If { then, otherwise }, results.clone())
            }
            Instruction::For { field, carried, body, results } => {
                let inside = carried.iter().map(|(inside, _)| *inside).collect();
                let body = self.region(body, inside)?;
                (Kind::For { field: *field, carried: carried.clone(), body }, results.clone())
            }
            // These run operation by operation.
            Instruction::LayerCall { .. }
            | Instruction::State { .. }
            | Instruction::Choose { .. }
            | Instruction::Match { .. }
            | Instruction::Repeat { .. } => return None,
        })
    }

    fn layer<'p>(&self, instruction: &'p Instruction, field: usize, input: Var) -> Kind<'p> {
        let island = island(instruction, Some(field));
        let Some((layer, args)) = self.model.layer(self.checked, field) else { return island };
        if let Some(act) = activation(layer.spec.name, args, || layer_args(layer, args)) {
            return Kind::Unary { act, input };
        }
        match layer.spec.name {
            "Linear" => Kind::Linear { field, input, act: None },
            "Conv2d" if pads_with_zeros(args) => Kind::Conv2d { field, input, act: None, pool: None },
            "LayerNorm" => Kind::RowNorm { field, input },
            "Embedding" => Kind::Embedding { field, input },
            "Flatten" | "Identity" => Kind::Reshape { input },
            "MaxPool2d" => {
                let name = &self.model.fields[field].name;
                Kind::MaxPool {
                    input,
                    pool: quote!(::rustorch::__private::compiled::MaxPool::from(&self.#name)),
                }
            }
            _ => island,
        }
    }

    fn function<'p>(
        &self,
        name: &'static str,
        inputs: &[Var],
        args: &[Arg],
        results: &[Var],
    ) -> Option<Kind<'p>> {
        let &input = inputs.first()?;
        let shape = |var: Var| self.checked.shapes.get(var)?.as_ref();
        Some(match name {
            "relu" | "silu" | "tanh" | "sigmoid" | "exp" | "log" | "sqrt" | "rsqrt" | "square" | "abs"
            | "sin" | "cos" => Kind::Unary { act: Act::plain(name), input },
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
                return attention::attention(self.checked, inputs, args, results);
            }
            "flatten" | "reshape" | "unflatten" | "squeeze" | "unsqueeze" => Kind::Reshape { input },
            "maximum" | "minimum" => Kind::Binary {
                op: name,
                left: Operand::Tensor(input),
                right: Operand::Tensor(*inputs.get(1)?),
            },
            "permute" | "transpose" => {
                let rank = shape(input)?.len();
                let mut dims: Vec<usize> = (0..rank).collect();
                match args {
                    [Arg::Axes(axes)] => {
                        dims = axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<_>>()?;
                    }
                    [Arg::Axis(a), Arg::Axis(b)] => dims.swap(normal(*a, rank)?, normal(*b, rank)?),
                    _ => return None,
                }
                (dims.len() == rank).then_some(())?;
                Kind::Permute { input, dims }
            }
            "max_pool2d" => {
                let [
                    Arg::Array(kernel),
                    Arg::Array(stride),
                    Arg::Array(padding),
                    Arg::Array(dilation),
                    Arg::Bool(ceil_mode),
                ] = args
                else {
                    return None;
                };
                let pair = |sizes: &[Poly]| {
                    let sizes = sizes.iter().map(super::codegen::size);
                    quote!([#(#sizes),*])
                };
                let (kernel, stride) = (pair(kernel), pair(stride));
                let (padding, dilation) = (pair(padding), pair(dilation));
                let pool = quote!(::rustorch::__private::compiled::MaxPool {
                    kernel: #kernel, stride: #stride, padding: #padding, dilation: #dilation, ceil_mode: #ceil_mode
                });
                Kind::MaxPool { input, pool }
            }
            _ => return None,
        })
    }
}

/// The elementwise function of an activation layer.
fn activation(
    name: &str,
    args: &Args,
    given: impl FnOnce() -> (Vec<Arg>, Vec<(&'static str, Arg)>),
) -> Option<Act> {
    let float = |name: &str| match args.get(name) {
        Some(Value::Float(number)) => Some(quote!(#number)),
        Some(Value::Expression) => {
            given().1.iter().find(|(other, _)| *other == name).and_then(|(_, arg)| number(arg))
        }
        _ => None,
    };
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
        _ => return None,
    })
}

fn number(arg: &Arg) -> Option<TokenStream> {
    match arg {
        Arg::Float(number) => Some(quote!(#number)),
        Arg::Tokens(tokens) => Some(tokens.clone()),
        _ => None,
    }
}

fn normal(axis: isize, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as isize } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

fn island(instruction: &Instruction, layer: Option<usize>) -> Kind<'_> {
    let mut inputs: Vec<Var> = Vec::new();
    let mut add = |var: Var| {
        if !inputs.contains(&var) {
            inputs.push(var);
        }
    };
    match instruction {
        Instruction::Layer { input, .. } => add(*input),
        Instruction::Function { inputs, args, .. } => {
            inputs.iter().copied().for_each(&mut add);
            for arg in args {
                if let Arg::Tensor(Some(var)) | Arg::Given(var) = arg {
                    add(*var);
                }
            }
        }
        Instruction::Einsum { inputs, .. } => inputs.iter().copied().for_each(&mut add),
        _ => {}
    }
    Kind::Island { instruction, inputs, layer }
}

/// Whether a convolution pads by itself.
fn pads_with_zeros(args: &Args) -> bool {
    match args.get("padding_mode") {
        Some(Value::Text(mode)) => mode == "zeros",
        _ => true,
    }
}

/// Lets linear maps and convolutions apply the function that alone uses their result, and convolutions then take maxima
/// over windows.
fn fuse(steps: &mut Vec<Step<'_>>, results: &[Var]) {
    let mut at = 0;
    while at < steps.len() {
        let Some((last, result)) = fusible(steps, at, results) else {
            at += 1;
            continue;
        };
        match (&mut steps[at].kind, last) {
            (Kind::Linear { act, .. } | Kind::Conv2d { act, .. }, Last::Act(function)) => {
                *act = Some(function)
            }
            (Kind::Conv2d { pool, .. }, Last::Pool(windows)) => *pool = Some(windows),
            _ => {}
        }
        let removed = steps.remove(result);
        steps[at].results = removed.results;
    }
}

/// What can be fused into a step.
enum Last {
    Act(Act),
    Pool(TokenStream),
}

/// What can be fused into step `at`, and the step that it is.
fn fusible(steps: &[Step<'_>], at: usize, results: &[Var]) -> Option<(Last, usize)> {
    let (takes_act, takes_pool) = match &steps[at].kind {
        Kind::Linear { act, .. } => (act.is_none(), false),
        Kind::Conv2d { act, pool, .. } => (act.is_none() && pool.is_none(), pool.is_none()),
        _ => return None,
    };
    let var = steps[at].results[0];
    if results.contains(&var) {
        return None;
    }
    let mut users = (at + 1..steps.len()).filter(|user| steps[*user].kind.uses().contains(&var));
    let (user, None) = (users.next()?, users.next()) else { return None };
    match &steps[user].kind {
        Kind::Unary { act, .. } if takes_act => Some((Last::Act(act.clone()), user)),
        Kind::MaxPool { pool, .. } if takes_pool => Some((Last::Pool(pool.clone()), user)),
        _ => None,
    }
}

impl Act {
    fn plain(name: &'static str) -> Self {
        Act { name, params: Vec::new() }
    }
}

impl Kind<'_> {
    /// Every tensor from outside that the step uses.
    pub fn uses(&self) -> Vec<Var> {
        match self {
            Kind::Linear { input, .. }
            | Kind::Conv2d { input, .. }
            | Kind::RowNorm { input, .. }
            | Kind::Embedding { input, .. }
            | Kind::MaxPool { input, .. }
            | Kind::Unary { input, .. }
            | Kind::Reshape { input }
            | Kind::Permute { input, .. } => vec![*input],
            Kind::Binary { left, right, .. } => {
                let var =
                    |operand: &Operand| if let Operand::Tensor(var) = operand { Some(*var) } else { None };
                var(left).into_iter().chain(var(right)).collect()
            }
            Kind::Attention { inputs, .. } => inputs.to_vec(),
            Kind::Island { inputs, .. } | Kind::Submodel { inputs, .. } => inputs.clone(),
            Kind::If { then, otherwise } => then.uses().into_iter().chain(otherwise.uses()).collect(),
            Kind::For { carried, body, .. } => {
                carried.iter().map(|(_, before)| *before).chain(body.uses()).collect()
            }
        }
    }
}

impl Region<'_> {
    /// Numbers the steps, those of regions inside included.
    fn number(&mut self, next: &mut usize) {
        for step in &mut self.steps {
            step.number = *next;
            *next += 1;
            match &mut step.kind {
                Kind::If { then, otherwise } => {
                    then.number(next);
                    otherwise.number(next);
                }
                Kind::For { body, .. } => body.number(next),
                _ => {}
            }
        }
    }

    /// The tensors from outside that the region uses.
    pub fn uses(&self) -> Vec<Var> {
        let all = self.steps.iter().flat_map(|step| step.kind.uses()).chain(self.results.iter().copied());
        all.filter(|var| !self.owned.contains(var)).collect()
    }

    /// Whether a tensor is used as indices, and whether it is used otherwise.
    pub fn index_uses(&self, var: Var) -> (bool, bool) {
        let (mut indices, mut others) = (false, self.results.contains(&var));
        for step in &self.steps {
            match &step.kind {
                Kind::Embedding { input, .. } => indices |= *input == var,
                kind => others |= kind.uses().contains(&var),
            }
        }
        (indices, others)
    }
}
