//! From the checked model to calls in order, op by op: every call is one kernel of the library.
//!
//! The only stage that knows how operations map to the library; codegen prints what it finds here.

mod composites;
mod steps;

pub(super) use composites::{composites, has_composites};
pub(super) use steps::layer_args;

use super::callee::Callee;
use super::check::Checked;
use super::errors::Place;
use super::ir::{self, BinaryOp, Element, Model, Over, Shape, Submodel, Tree, Var};
use proc_macro2::{Ident, TokenStream};
use rustorch_shape::Poly;
use rustorch_shape::args::Args;

/// A forward pass, ready to be printed.
#[derive(Default)]
pub(super) struct Program {
    pub instructions: Vec<Instruction>,
    pub results: Vec<Var>,
}

pub(super) enum Instruction {
    /// `self.fc1(x)`
    Layer {
        field: usize,
        input: Var,
        result: Var,
    },
    /// A function of the library, all arguments explicit.
    Function {
        name: &'static str,
        inputs: Vec<Var>,
        is_list: bool,
        args: Vec<Arg>,
        results: Vec<Var>,
        pieces: bool,
    },
    /// An operator.
    Binary {
        op: BinaryOp,
        left: Source,
        right: Source,
        result: Var,
    },
    Negate {
        input: Var,
        result: Var,
    },
    Submodel {
        target: Submodel,
        inputs: Vec<(Var, Shape)>,
        results: Vec<(Var, Shape)>,
        /// How the results are grouped.
        tree: Tree,
        span: Place,
    },
    Einsum {
        spec: String,
        inputs: Vec<Var>,
        result: Var,
    },
    If {
        then: Program,
        otherwise: Program,
        results: Vec<Var>,
    },
    /// `carried`: the variable inside, and the one it starts from.
    For {
        field: usize,
        carried: Vec<(Var, Var)>,
        body: Program,
        results: Vec<Var>,
    },
    /// A layer that is one of several, may be missing, or takes or gives several tensors.
    LayerCall {
        field: usize,
        element: Element,
        /// Whether it is an `nn::Layer`, one tensor to one.
        is_map: bool,
        /// The function that makes the call, if the layer takes its options otherwise.
        adapter: Option<&'static str>,
        inputs: Vec<Var>,
        /// For every tensor that may be left out: it, if it is given.
        more: Vec<Option<Var>>,
        /// For a layer with a state: that, if it is given.
        state: Option<Vec<Var>>,
        /// For every option: what it is.
        options: Vec<Arg>,
        tree: Tree,
        results: Vec<Var>,
    },
    /// A part of a layer, in the compiled pass: `self.encoder.layers[__layer].linear1`.
    Part {
        owner: Callee,
        part: Part,
        inputs: Vec<Var>,
        result: Var,
    },
    /// `self.scale`, `self.embed.weight`
    State {
        field: usize,
        element: Element,
        entry: Option<String>,
        result: Var,
    },
    /// Two programs of which one runs.
    Choose {
        decision: Decision,
        then: Program,
        otherwise: Program,
        results: Vec<Var>,
    },
    Match {
        subject: TokenStream,
        arms: Vec<(TokenStream, Program)>,
        results: Vec<Var>,
    },
    /// A loop that counts; as `For`.
    Repeat {
        over: Over,
        index: Option<Ident>,
        carried: Vec<(Var, Var)>,
        body: Program,
        results: Vec<Var>,
    },
}

/// What a part of a layer is.
pub(super) enum Part {
    /// A linear map, or so many projections of an attention, from one of the three on.
    Linear {
        projections: Option<[usize; 2]>,
    },
    /// A layer norm.
    Norm,
    Dropout,
    /// A convolution of volumes that are padded already.
    Volumes,
    /// Queries, keys and values of heads, with a mask; the layer says which weights are dropped.
    Attention {
        mask: Option<Var>,
        causal: TokenStream,
    },
}

/// What decides between two programs.
pub(super) enum Decision {
    If(TokenStream),
    /// Whether the optional field is there.
    Present(usize),
}

pub(super) enum Source {
    Tensor(Var),
    Scalar(TokenStream),
}

/// An argument as the library takes it.
#[derive(Clone)]
pub(super) enum Arg {
    Size(Poly),
    /// `[2, 2]`
    Array(Vec<Poly>),
    /// `&[2, 2]`
    Slice(Vec<Poly>),
    /// `Some(2)`, `None`
    OptionalSize(Option<Poly>),
    /// `[Some(2), None]`
    OptionalSizes(Vec<Option<Poly>>),
    Axis(isize),
    Axes(Vec<isize>),
    Bool(bool),
    Float(f64),
    Text(String),
    Tokens(TokenStream),
    Tensor(Option<Var>),
    /// A tensor that is always there.
    Given(Var),
    /// `self.training`
    Training,
}

/// The forward pass as a program; empty if the model has none.
pub(super) fn lower(model: &Model, checked: &Checked) -> Program {
    match model.forward.as_ref().and_then(|forward| forward.body.as_ref()) {
        Some(body) => steps::region(&body.region, model, checked),
        None => Program::default(),
    }
}

impl Instruction {
    /// The tensors that it makes.
    pub fn results(&self) -> Vec<Var> {
        match self {
            Instruction::Layer { result, .. }
            | Instruction::Binary { result, .. }
            | Instruction::Negate { result, .. }
            | Instruction::Einsum { result, .. }
            | Instruction::Part { result, .. }
            | Instruction::State { result, .. } => vec![*result],
            Instruction::Function { results, .. }
            | Instruction::LayerCall { results, .. }
            | Instruction::If { results, .. }
            | Instruction::Choose { results, .. }
            | Instruction::Match { results, .. }
            | Instruction::For { results, .. }
            | Instruction::Repeat { results, .. } => results.clone(),
            Instruction::Submodel { results, .. } => results.iter().map(|(result, _)| *result).collect(),
        }
    }

    /// The tensors that it uses itself, those of the programs inside not included.
    pub fn operands(&self) -> Vec<Var> {
        match self {
            Instruction::Layer { input, .. } | Instruction::Negate { input, .. } => vec![*input],
            Instruction::Binary { left, right, .. } => [left, right]
                .into_iter()
                .filter_map(|source| match source {
                    Source::Tensor(var) => Some(*var),
                    Source::Scalar(_) => None,
                })
                .collect(),
            Instruction::Einsum { inputs, .. } => inputs.clone(),
            Instruction::Function { inputs, args, .. } => {
                inputs.iter().copied().chain(args.iter().filter_map(Arg::tensor)).collect()
            }
            Instruction::LayerCall { inputs, more, state, options, .. } => {
                let given = inputs.iter().chain(more.iter().flatten()).chain(state.iter().flatten());
                given.copied().chain(options.iter().filter_map(Arg::tensor)).collect()
            }
            Instruction::Submodel { inputs, .. } => inputs.iter().map(|(input, _)| *input).collect(),
            Instruction::Part { part, inputs, .. } => {
                let mask = if let Part::Attention { mask, .. } = part { *mask } else { None };
                inputs.iter().copied().chain(mask).collect()
            }
            Instruction::For { carried, .. } | Instruction::Repeat { carried, .. } => {
                carried.iter().map(|(_, before)| *before).collect()
            }
            Instruction::State { .. }
            | Instruction::If { .. }
            | Instruction::Choose { .. }
            | Instruction::Match { .. } => Vec::new(),
        }
    }

    /// The programs inside, in order.
    pub fn inner(&self) -> Vec<&Program> {
        match self {
            Instruction::If { then, otherwise, .. } | Instruction::Choose { then, otherwise, .. } => {
                vec![then, otherwise]
            }
            Instruction::Match { arms, .. } => arms.iter().map(|(_, arm)| arm).collect(),
            Instruction::For { body, .. } | Instruction::Repeat { body, .. } => vec![body],
            _ => Vec::new(),
        }
    }
}

impl Instruction {
    /// [`Instruction::inner`], to be changed.
    fn inner_mut(&mut self) -> Vec<&mut Program> {
        match self {
            Instruction::If { then, otherwise, .. } | Instruction::Choose { then, otherwise, .. } => {
                vec![then, otherwise]
            }
            Instruction::Match { arms, .. } => arms.iter_mut().map(|(_, arm)| arm).collect(),
            Instruction::For { body, .. } | Instruction::Repeat { body, .. } => vec![body],
            _ => Vec::new(),
        }
    }
}

impl Arg {
    /// The tensor that it is, if it is one.
    pub fn tensor(&self) -> Option<Var> {
        match self {
            Arg::Tensor(Some(var)) | Arg::Given(var) => Some(*var),
            _ => None,
        }
    }
}

impl Program {
    /// Whether any model is called.
    pub fn has_submodels(&self) -> bool {
        self.instructions.iter().any(|instruction| {
            matches!(instruction, Instruction::Submodel { .. })
                || instruction.inner().into_iter().any(Program::has_submodels)
        })
    }
}

impl Model {
    /// The layer of a field, with its complete arguments.
    pub fn layer<'a>(&'a self, checked: &'a Checked, field: usize) -> Option<(&'a ir::Layer, &'a Args)> {
        Some((self.fields[field].layer()?, checked.layers[field].as_ref()?))
    }
}
