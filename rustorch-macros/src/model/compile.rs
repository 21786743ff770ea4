//! From calls in order to a compiled pass: which calls become kernels of the pass, which are fused, and how long
//! each tensor is needed. The backward pass is read off the same steps in reverse by `codegen::compiled`.

mod attention;
mod chain;
mod elements;
mod fuse;
mod kernels;
mod list;
mod plain;
mod steps;

pub(super) use attention::Heads;
pub(super) use chain::{Chain, Ending, Factors, Link, PartOp};
pub(super) use elements::{Contents, Elements};
pub(super) use kernels::{is_plain_table, is_projected, is_recurrent, is_scaled_table, pads_with_zeros};
pub(super) use list::Vars;
pub(super) use plain::{NUMBER, border};

use super::callee::Callee;
use super::check::Checked;
use super::ir::{Element, Model, Over, Submodel, Var};
use super::lower::{Instruction, Program};
use proc_macro2::{Ident, TokenStream};

/// The compiled pass of a model.
pub(super) struct Compiled<'p> {
    pub region: Region<'p>,
    /// Tensors of which only a run knows whether they are what kernels work on: numbers.
    pub numbers: Vars,
}

/// Steps in order.
pub(super) struct Region<'p> {
    pub steps: Vec<Step<'p>>,
    pub results: Vec<Var>,
    /// The tensors that belong to the region: its parameters and all that its steps make.
    pub owned: Vars,
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

/// A linear map: that of a layer, or so many projections of an attention, from one of the three on.
#[derive(Clone, Copy)]
pub(super) struct Map {
    pub layer: Callee,
    pub projections: Option<[usize; 2]>,
}

pub(super) enum Kind<'p> {
    Linear {
        map: Map,
        input: Var,
        act: Option<Act>,
        /// Elementwise operations of which the product is one operand.
        last: Option<Ending>,
    },
    Conv2d {
        layer: Callee,
        input: Var,
        /// A normalisation of channels that comes next.
        norm: Option<Callee>,
        /// What is added to the normalised values.
        residual: Option<Var>,
        act: Option<Act>,
        /// Windows of which the maxima are taken last.
        pool: Option<Windows>,
    },
    /// `act(layer(input) + residual)`
    ChannelNorm {
        layer: Callee,
        input: Var,
        residual: Option<Var>,
        act: Option<Act>,
    },
    RowNorm {
        layer: Callee,
        input: Var,
    },
    Embedding {
        layer: Callee,
        input: Var,
        /// Whether rows are only read, and each adds to the gradient what flows to it.
        is_plain: bool,
    },
    /// A kernel that is called as all of them are: tensors in and out, and options.
    Kernel {
        /// The method of the pass; that of its gradient has `_backward` behind the name.
        method: &'static str,
        /// How it is called in the schedule.
        name: String,
        inputs: Vec<Var>,
        /// An expression.
        options: String,
        /// What [`NUMBER`] stands for in it.
        number: Option<TokenStream>,
    },
    /// A recurrent layer, or one step of it, from these states or from zeros.
    Recurrent {
        layer: Callee,
        input: Var,
        /// A table of whose rows the input holds the numbers.
        table: Option<Callee>,
        states: Vec<Var>,
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
    /// Elementwise operations as one loop.
    Chain(Chain),
    Reshape {
        input: Var,
    },
    /// The same elements, of which no gradient is asked.
    Detach {
        input: Var,
    },
    Permute {
        input: Var,
        dims: Vec<usize>,
    },
    Attention {
        inputs: [Var; 3],
        operands: [Heads; 3],
        /// What hides keys from queries, or is added to their scores.
        mask: Option<Var>,
        causal: TokenStream,
        /// An `Option<f64>`, if it was written.
        scale: Option<TokenStream>,
        /// The layer that says with which probability weights are dropped.
        dropout: Option<Callee>,
        out: Heads,
    },
    /// Any other call: operations on tensors.
    Island {
        instruction: &'p Instruction,
        inputs: Vec<Var>,
        layer: Option<Callee>,
        /// What each result holds.
        contents: Vec<Contents>,
    },
    /// A parameter or buffer of the model, or of one of its layers.
    State {
        owner: Callee,
        entry: Option<&'p str>,
    },
    Submodel {
        target: Callee,
        inputs: Vec<Var>,
    },
    /// Several regions of which one runs.
    Branch {
        on: On<'p>,
        arms: Vec<Region<'p>>,
    },
    /// `carried`: the variable inside, and the one it starts from.
    Loop {
        over: Over,
        index: Option<&'p Ident>,
        carried: Vec<(Var, Var)>,
        body: Region<'p>,
    },
}

/// The windows of a pooling: how it is called in the schedule, and an expression.
#[derive(Clone)]
pub(super) struct Windows {
    pub name: String,
    pub options: String,
}

/// What decides which arm runs.
pub(super) enum On<'p> {
    /// `self.training`
    Training,
    /// A condition, or whether a field is there: the same at any time, for the same const parameters and sizes.
    Decision(&'p super::lower::Decision),
    Match(&'p TokenStream, Vec<&'p TokenStream>),
}

/// An elementwise function by the name of its operator, and its numbers.
#[derive(Clone)]
pub(super) struct Act {
    pub name: &'static str,
    pub params: Vec<TokenStream>,
}

#[derive(Clone)]
pub(super) enum Operand {
    Tensor(Var),
    Number(TokenStream),
}

/// The compiled pass of a model; `None` if it has no forward pass.
pub(super) fn compile<'p>(model: &Model, checked: &Checked, program: &'p Program) -> Option<Compiled<'p>> {
    let forward = model.forward.as_ref()?;
    let inputs: Vec<Var> = (0..forward.inputs.len()).collect();
    let elements = Elements::of(model, program, &inputs);
    let compiler = steps::Compiler { model, checked, elements: &elements };
    let mut region = compiler.region(program, inputs);
    region.number(&mut 0);
    Some(Compiled { region, numbers: elements.assumed })
}

impl Act {
    fn plain(name: &'static str) -> Self {
        Act { name, params: Vec::new() }
    }
}

impl From<Submodel> for Callee {
    fn from(submodel: Submodel) -> Self {
        match submodel {
            Submodel::Field(field) => Self::whole(field),
            Submodel::Each(field) => Self::new(field, Element::Each),
            Submodel::At(field, at) => Self::new(field, Element::At(at)),
            Submodel::Counted(field, position) => Self::new(field, Element::Counted(position)),
        }
    }
}

impl Kind<'_> {
    /// Every tensor from outside that the step uses.
    pub fn uses(&self) -> Vec<Var> {
        match self {
            Kind::Conv2d { input, residual, .. } | Kind::ChannelNorm { input, residual, .. } => {
                std::iter::once(*input).chain(*residual).collect()
            }
            Kind::Linear { input, last, .. } => {
                std::iter::once(*input).chain(last.iter().flat_map(Ending::uses)).collect()
            }
            Kind::RowNorm { input, .. }
            | Kind::Embedding { input, .. }
            | Kind::Unary { input, .. }
            | Kind::Reshape { input }
            | Kind::Detach { input }
            | Kind::Permute { input, .. } => vec![*input],
            Kind::Binary { left, right, .. } => {
                let var =
                    |operand: &Operand| if let Operand::Tensor(var) = operand { Some(*var) } else { None };
                var(left).into_iter().chain(var(right)).collect()
            }
            Kind::Chain(chain) => chain.uses(),
            Kind::Recurrent { input, states, .. } => {
                std::iter::once(*input).chain(states.iter().copied()).collect()
            }
            Kind::Attention { inputs, mask, .. } => inputs.iter().chain(mask).copied().collect(),
            Kind::Kernel { inputs, .. } | Kind::Island { inputs, .. } | Kind::Submodel { inputs, .. } => {
                inputs.clone()
            }
            Kind::State { .. } => Vec::new(),
            Kind::Branch { arms, .. } => arms.iter().flat_map(Region::uses).collect(),
            Kind::Loop { carried, body, .. } => {
                carried.iter().map(|(_, before)| *before).chain(body.uses()).collect()
            }
        }
    }
}

impl<'p> Kind<'p> {
    /// The regions inside, in order.
    pub fn inner(&self) -> impl Iterator<Item = &Region<'p>> {
        let (arms, body) = match self {
            Kind::Branch { arms, .. } => (&arms[..], None),
            Kind::Loop { body, .. } => (&[][..], Some(body)),
            _ => (&[][..], None),
        };
        arms.iter().chain(body)
    }

    fn inner_mut(&mut self) -> impl Iterator<Item = &mut Region<'p>> {
        let (arms, body) = match self {
            Kind::Branch { arms, .. } => (&mut arms[..], None),
            Kind::Loop { body, .. } => (&mut [][..], Some(body)),
            _ => (&mut [][..], None),
        };
        arms.iter_mut().chain(body)
    }
}

impl Region<'_> {
    /// Numbers the steps, those of regions inside included.
    fn number(&mut self, next: &mut usize) {
        for step in &mut self.steps {
            step.number = *next;
            *next += 1;
            step.kind.inner_mut().for_each(|inner| inner.number(next));
        }
    }

    /// The tensors from outside that the region uses.
    pub fn uses(&self) -> Vec<Var> {
        let all = self.steps.iter().flat_map(|step| step.kind.uses()).chain(self.results.iter().copied());
        all.filter(|var| !self.owned.contains(*var)).collect()
    }
}
