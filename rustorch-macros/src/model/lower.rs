//! From the checked model to calls in order, op by op: every call is one kernel of the library.
//!
//! The only stage that knows how operations map to the library; codegen prints what it finds here.

use super::check::Checked;
use super::errors::Place;
use super::ir::{
    self, BinaryOp, Call, Carried, Choice, Component, ComponentKind, Element, Model, Op, Operand, Over,
    Region, Shape, Step, Submodel, Tree, Var,
};
use proc_macro2::{Ident, TokenStream};
use rustorch_shape::args::{Args, Kind, Value};
use rustorch_shape::functions::{FunctionSpec, Inputs, Outputs};
use rustorch_shape::normalize_axis;
use rustorch_shape::{Poly, Size};

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
        /// How the inputs are grouped to arguments.
        arguments: Vec<Tree>,
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
        inputs: Vec<Var>,
        /// For a layer with a state: that, if it is given.
        state: Option<Vec<Var>>,
        /// For every tensor by name: it, if it is given.
        options: Vec<Option<Var>>,
        tree: Tree,
        results: Vec<Var>,
    },
    /// `self.scale`, `self.embed.weight`
    State {
        field: usize,
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
        Some(body) => region(&body.region, model, checked),
        None => Program::default(),
    }
}

/// The arguments of a layer: those that its builder takes, and the options that were written.
pub(super) fn layer_args(layer: &ir::Layer, args: &Args) -> (Vec<Arg>, Vec<(&'static str, Arg)>) {
    let (mut required, mut options) = (Vec::new(), Vec::new());
    for spec in layer.spec.args {
        let arg = argument(spec.kind, spec.name, args, &layer.call);
        if spec.is_required() {
            required.extend(arg);
        } else if layer.call.span(spec.name).is_some() {
            options.extend(arg.map(|arg| (spec.name, arg)));
        }
    }
    (required, options)
}

fn region(region: &Region, model: &Model, checked: &Checked) -> Program {
    Program {
        instructions: region.steps.iter().flat_map(|step| instructions(step, model, checked)).collect(),
        results: region.results.iter().filter_map(|result| result.var).collect(),
    }
}

/// Nothing for steps that only matter to checking.
fn instructions(step: &Step, model: &Model, checked: &Checked) -> Vec<Instruction> {
    match &step.op {
        Op::Index { input, components } => index(input, components, checked).unwrap_or_default(),
        _ => instruction(step, model, checked).into_iter().collect(),
    }
}

fn instruction(step: &Step, model: &Model, checked: &Checked) -> Option<Instruction> {
    let region = |inner: &Region| region(inner, model, checked);
    let pairs = |carried: &[Carried]| {
        carried.iter().map(|carried| Some((carried.inside, carried.before.var?))).collect::<Option<Vec<_>>>()
    };
    let result = step.results.first().copied();
    Some(match &step.op {
        Op::Layer { field, input } => {
            Instruction::Layer { field: *field, input: input.var?, result: result? }
        }
        Op::Function { spec, inputs, call } => function(spec, inputs, call, step, checked)?,
        Op::Binary { op, left, right } => {
            Instruction::Binary { op: *op, left: source(left)?, right: source(right)?, result: result? }
        }
        Op::Negate { input } => Instruction::Negate { input: input.var?, result: result? },
        Op::Submodel { target, inputs, arguments, result: tree, .. } => {
            let shaped = |var: Var| Some((var, checked.shapes[var].clone()?));
            Instruction::Submodel {
                target: *target,
                arguments: arguments.clone(),
                tree: tree.clone(),
                inputs: inputs.iter().map(|input| shaped(input.var?)).collect::<Option<_>>()?,
                results: step.results.iter().map(|var| shaped(*var)).collect::<Option<_>>()?,
                span: step.span,
            }
        }
        Op::Einsum { spec, inputs } => Instruction::Einsum {
            spec: spec.to_string(),
            inputs: inputs.iter().map(|input| input.var).collect::<Option<_>>()?,
            result: result?,
        },
        Op::Annotate { .. } => return None,
        Op::If { then, otherwise } => Instruction::If {
            then: region(then),
            otherwise: region(otherwise),
            results: step.results.clone(),
        },
        Op::For { field, carried, body } => Instruction::For {
            field: *field,
            carried: pairs(carried)?,
            body: region(body),
            results: step.results.clone(),
        },
        Op::LayerCall { field, element, inputs, options } => {
            let signature = model.fields[*field].layer()?.spec.signature;
            let inputs: Vec<Var> = inputs.iter().map(|input| input.var).collect::<Option<_>>()?;
            let (inputs, state) = inputs.split_at(signature.inputs.len());
            let option = |name: &str| options.iter().find(|(option, _)| *option == name)?.1.var;
            Instruction::LayerCall {
                field: *field,
                element: *element,
                is_map: signature.is_map(),
                inputs: inputs.to_vec(),
                state: (!signature.state.is_empty()).then(|| state.to_vec()),
                options: signature.options.iter().map(|spec| option(spec.name)).collect(),
                tree: Tree::from(signature.results),
                results: step.results.clone(),
            }
        }
        Op::State { field, entry } => {
            Instruction::State { field: *field, entry: entry.clone(), result: result? }
        }
        Op::Choose { choice, then, otherwise } => Instruction::Choose {
            decision: match choice {
                Choice::If(condition) => Decision::If(condition.tokens.clone()),
                Choice::Present(field) => Decision::Present(*field),
            },
            then: region(then),
            otherwise: region(otherwise),
            results: step.results.clone(),
        },
        Op::Match { subject, patterns, arms } => Instruction::Match {
            subject: subject.tokens.clone(),
            arms: patterns.iter().cloned().zip(arms.iter().map(region)).collect(),
            results: step.results.clone(),
        },
        Op::Repeat { over, index, carried, body } => Instruction::Repeat {
            over: over.clone(),
            index: index.clone(),
            carried: pairs(carried)?,
            body: region(body),
            results: step.results.clone(),
        },
        Op::Index { .. } => return None,
    })
}

/// An index as one function after the other.
fn index(input: &ir::Use, components: &[(Component, Var)], checked: &Checked) -> Option<Vec<Instruction>> {
    let (mut from, mut axis) = (input.var?, 0isize);
    let mut instructions = Vec::new();
    // Whole axes need no step, and nothing may define the result twice.
    let last =
        components.iter().rposition(|(component, _)| !matches!(component.kind, ComponentKind::Whole))?;
    let result = components.last()?.1;
    for (position, (component, var)) in components.iter().enumerate().take(last + 1) {
        let size = || checked.shapes[from].as_ref()?.get(axis.unsigned_abs()).cloned();
        let (name, mut args) = match &component.kind {
            ComponentKind::Whole => {
                axis += 1;
                continue;
            }
            ComponentKind::New => ("unsqueeze", Vec::new()),
            ComponentKind::At(at) => ("select", vec![Arg::Size(at.on(&size()?)?)]),
            ComponentKind::Range { start, end, step } => {
                let size = size()?;
                let start = start.on(&size)?;
                let end = end.as_ref().map_or(Some(size.clone()), |end| end.on(&size))?;
                match step {
                    1 => ("narrow", vec![Arg::Size(start.clone()), Arg::Size(end.minus(&start)?)]),
                    step => {
                        let step = Arg::Size(Poly::constant(*step));
                        ("slice", vec![Arg::Size(start), Arg::Size(end), step])
                    }
                }
            }
        };
        args.insert(0, Arg::Axis(axis));
        axis += isize::from(!matches!(component.kind, ComponentKind::At(_)));
        let result = if position == last { result } else { *var };
        let (inputs, results) = (vec![from], vec![result]);
        instructions.push(Instruction::Function {
            name,
            inputs,
            is_list: false,
            args,
            results,
            pieces: false,
        });
        from = result;
    }
    Some(instructions)
}

fn source(operand: &Operand) -> Option<Source> {
    Some(match operand {
        Operand::Tensor(value) => Source::Tensor(value.var?),
        Operand::Scalar(tokens) => Source::Scalar(tokens.clone()),
    })
}

fn function(
    spec: &FunctionSpec,
    inputs: &[ir::Use],
    call: &Call,
    step: &Step,
    checked: &Checked,
) -> Option<Instruction> {
    let inputs: Vec<Var> = inputs.iter().map(|input| input.var).collect::<Option<_>>()?;
    let outputs: Vec<&Shape> =
        step.results.iter().map(|var| checked.shapes[*var].as_ref()).collect::<Option<_>>()?;
    let input = checked.shapes[*inputs.first()?].as_ref()?;
    let mut args = Vec::new();
    for arg in spec.args {
        let value = match arg.kind {
            Kind::Tensor | Kind::Operand
                if arg.is_required() && call.args.get(arg.name) != Some(&Value::Expression) =>
            {
                Some(Arg::Given(call.written.iter().find(|written| written.name == arg.name)?.var?))
            }
            // What was to be inferred is known by now.
            Kind::Target => Some(Arg::Slice(target(&call.args, input, outputs[0]))),
            Kind::Pieces => {
                let axis =
                    call.args.axis("dim").and_then(|dim| normalize_axis(spec.name, dim, input.len())).ok()?;
                Some(Arg::Array(outputs.iter().map(|shape| shape[axis].clone()).collect()))
            }
            // The number of pieces is the number of names.
            _ if spec.name == "chunk" && arg.name == "chunks" => None,
            kind => argument(kind, arg.name, &call.args, call),
        };
        args.extend(value);
    }
    if spec.outputs == Outputs::InTraining {
        args.push(Arg::Training);
    }
    Some(Instruction::Function {
        name: spec.name,
        inputs,
        is_list: spec.inputs == Inputs::List,
        args,
        results: step.results.clone(),
        pieces: matches!(spec.outputs, Outputs::Pieces | Outputs::Tuple(_)),
    })
}

/// The sizes that a target stands for: of the whole result, or of the axes that one became.
fn target(args: &Args, input: &Shape, output: &Shape) -> Vec<Poly> {
    let axis = args.axis("dim").and_then(|dim| normalize_axis("unflatten", dim, input.len()));
    match axis {
        Ok(axis) => output[axis..axis + 1 + output.len() - input.len()].to_vec(),
        Err(_) => output.clone(),
    }
}

fn argument(kind: Kind, name: &'static str, args: &Args, call: &Call) -> Option<Arg> {
    let written = call.written.iter().find(|written| written.name == name);
    Some(match args.get(name)? {
        Value::Size(size) => Arg::Size(size.clone()),
        Value::Sizes(sizes) => match kind {
            Kind::Window(_) | Kind::Padding(_) => Arg::Array(sizes.clone()),
            _ => Arg::Slice(sizes.clone()),
        },
        Value::Target(_) => return None,
        Value::Axis(axis) => Arg::Axis(*axis),
        Value::Axes(axes) => Arg::Axes(axes.clone()),
        Value::Bool(flag) => Arg::Bool(*flag),
        Value::Float(number) => Arg::Float(*number),
        Value::Text(text) => Arg::Text(text.clone()),
        Value::Expression => Arg::Tokens(written?.expr.clone()),
        Value::Absent | Value::Tensor(_) => Arg::Tensor(written.and_then(|written| written.var)),
    })
}

impl Program {
    /// Whether any model is called.
    pub fn has_submodels(&self) -> bool {
        self.instructions.iter().any(|instruction| match instruction {
            Instruction::Submodel { .. } => true,
            Instruction::If { then, otherwise, .. } => then.has_submodels() || otherwise.has_submodels(),
            Instruction::Choose { then, otherwise, .. } => then.has_submodels() || otherwise.has_submodels(),
            Instruction::Match { arms, .. } => arms.iter().any(|(_, arm)| arm.has_submodels()),
            Instruction::For { body, .. } | Instruction::Repeat { body, .. } => body.has_submodels(),
            _ => false,
        })
    }
}

impl Model {
    /// The layer of a field, with its complete arguments.
    pub fn layer<'a>(&'a self, checked: &'a Checked, field: usize) -> Option<(&'a ir::Layer, &'a Args)> {
        Some((self.fields[field].layer()?, checked.layers[field].as_ref()?))
    }
}
