//! From calls in order to a compiled pass: which calls become kernels of the pass, which are fused, and how long
//! each tensor is needed. The backward pass is read off the same steps in reverse by `codegen::compiled`.

mod attention;
mod chain;
mod fuse;
mod kernels;

pub(super) use attention::Heads;
pub(super) use chain::{Chain, Link, PartOp};

use super::check::Checked;
use super::ir::{BinaryOp, Field, Model, Submodel, Var};
use super::lower::{Instruction, Program, Source};
use proc_macro2::TokenStream;
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
    /// Elementwise operations as one loop.
    Chain(Chain),
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

#[derive(Clone)]
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
    (!mixed && region.results.len() <= MOST_OUTPUTS).then_some(region)
}

/// As many outputs as the library makes room for.
const MOST_OUTPUTS: usize = 16;

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
        fuse::fuse(&mut steps, &program.results);
        attention::absorb(&mut steps, &program.results);
        chain::fuse(&mut steps, &program.results, |var| self.checked.shapes.get(var)?.as_ref());
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
                (self.layer(instruction, *field, *input, *result), vec![*result])
            }
            Instruction::Function { name, inputs, args, results, .. } => {
                let kind = match self.function(name, inputs, args, results) {
                    Some(kind) => kind,
                    None if NOT_NUMERIC.contains(name) => return None,
                    None => kernels::island(instruction, None),
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
            Instruction::Einsum { result, .. } => (kernels::island(instruction, None), vec![*result]),
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
            Kind::Chain(chain) => chain.uses(),
            Kind::Attention { inputs, .. } => inputs.to_vec(),
            Kind::Island { inputs, .. } | Kind::Submodel { inputs, .. } => inputs.clone(),
            Kind::If { then, otherwise } => then.uses().into_iter().chain(otherwise.uses()).collect(),
            Kind::For { carried, body, .. } => {
                carried.iter().map(|(_, before)| *before).chain(body.uses()).collect()
            }
        }
    }
}

impl<'p> Kind<'p> {
    /// The regions inside.
    pub fn regions(&self) -> Vec<&Region<'p>> {
        match self {
            Kind::If { then, otherwise } => vec![then, otherwise],
            Kind::For { body, .. } => vec![body],
            _ => Vec::new(),
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
