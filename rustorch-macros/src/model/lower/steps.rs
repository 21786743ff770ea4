//! What each step of a body calls, with every argument explicit.

use super::super::check::Checked;
use super::super::ir::{
    self, Call, CallOption, Carried, Choice, Component, ComponentKind, Element, Model, Op, Operand,
    PatternCall, Region, Shape, Step, Tree, Var,
};
use super::super::pattern::{Move, MoveKind, moves};
use super::{Arg, Decision, Instruction, Program, Source};
use quote::quote;
use rustorch_shape::args::{ArgSpec, Args, Kind, Value};
use rustorch_shape::functions::{FunctionSpec, Inputs, Outputs};
use rustorch_shape::normalize_axis;
use rustorch_shape::{Poly, Size};

/// The arguments of a layer: those that its builder takes, and the options that were written.
pub(in super::super) fn layer_args(layer: &ir::Layer, args: &Args) -> (Vec<Arg>, Vec<(&'static str, Arg)>) {
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

pub(super) fn region(region: &Region, model: &Model, checked: &Checked) -> Program {
    Program {
        instructions: region.steps.iter().flat_map(|step| instructions(step, model, checked)).collect(),
        results: region.results.iter().filter_map(|result| result.var).collect(),
    }
}

/// Nothing for steps that only matter to checking.
fn instructions(step: &Step, model: &Model, checked: &Checked) -> Vec<Instruction> {
    match &step.op {
        Op::Index { input, components } => index(input, components, checked).unwrap_or_default(),
        Op::Pattern(call) => pattern(call, step, checked).unwrap_or_default(),
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
        Op::Submodel { target, inputs, result: tree, .. } => {
            let shaped = |var: Var| Some((var, checked.shapes[var].clone()?));
            Instruction::Submodel {
                target: *target,
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
        Op::Annotate { .. } | Op::Within { .. } => return None,
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
            let (inputs, others) = inputs.split_at(signature.inputs.len());
            let more = signature.more.iter().enumerate().map(|(position, _)| others.get(position).copied());
            let option = |spec: &ArgSpec| {
                let given = options.iter().find(|(option, _)| *option == spec.name);
                match given.map(|(_, option)| option) {
                    Some(CallOption::Tensor(value)) => Arg::Tensor(value.var),
                    Some(CallOption::Flag(tokens)) => Arg::Tokens(tokens.clone()),
                    None if spec.kind == Kind::Tensor => Arg::Tensor(None),
                    None => Arg::Bool(false),
                }
            };
            Instruction::LayerCall {
                field: *field,
                element: *element,
                is_map: signature.is_map() && others.is_empty() && options.is_empty(),
                adapter: signature.adapter,
                inputs: inputs.to_vec(),
                more: more.collect(),
                state: (!signature.state.is_empty()).then(|| others.to_vec()),
                options: signature.options.iter().map(option).collect(),
                tree: Tree::from(signature.results),
                results: step.results.clone(),
            }
        }
        Op::State { field, entry } => Instruction::State {
            field: *field,
            element: Element::Whole,
            entry: entry.clone(),
            result: result?,
        },
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
            index: index.as_ref().map(|counter| counter.name.clone()),
            carried: pairs(carried)?,
            body: region(body),
            results: step.results.clone(),
        },
        Op::Index { .. } | Op::Pattern(_) => return None,
    })
}

/// A pattern as one function after the other.
fn pattern(call: &PatternCall, step: &Step, checked: &Checked) -> Option<Vec<Instruction>> {
    let mut from = call.input.var?;
    let shape = checked.shapes[from].as_ref()?;
    let recipe = call.pattern.check(shape, &call.sizes, &mut Vec::new()).ok()?;
    let moves = moves(recipe, shape);
    let results = call.between.iter().take(moves.len() - 1).chain(&step.results).copied();
    let instructions = moves.into_iter().zip(results).map(|(Move { kind, shape }, result)| {
        let (name, args) = match kind {
            MoveKind::Reshape => ("reshape", vec![Arg::Slice(shape)]),
            MoveKind::Reduce(axes) => (call.reduction?, vec![Arg::Axes(axes), Arg::Bool(false)]),
            MoveKind::Permute(axes) => ("permute", vec![Arg::Axes(axes)]),
            MoveKind::Expand => ("expand", vec![Arg::Slice(shape)]),
        };
        let inputs = vec![std::mem::replace(&mut from, result)];
        let results = vec![result];
        Some(Instruction::Function { name, inputs, is_list: false, args, results, pieces: false })
    });
    instructions.collect()
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
        Value::Size(size) if kind == Kind::OptionalSize => Arg::OptionalSize(Some(size.clone())),
        Value::Absent if kind == Kind::OptionalSize => Arg::OptionalSize(None),
        Value::Size(size) => Arg::Size(size.clone()),
        Value::Sizes(sizes) => match kind {
            Kind::Window(_) | Kind::Padding(_) | Kind::Ends(_) => Arg::Array(sizes.clone()),
            _ => Arg::Slice(sizes.clone()),
        },
        Value::Target(sizes) if matches!(kind, Kind::Output(_)) => Arg::OptionalSizes(sizes.clone()),
        Value::Target(_) => return None,
        Value::Axis(axis) => Arg::Axis(*axis),
        Value::Axes(axes) => Arg::Axes(axes.clone()),
        Value::Bool(flag) => Arg::Bool(*flag),
        Value::Float(number) => Arg::Float(*number),
        Value::Text(text) => Arg::Text(text.clone()),
        Value::Expression if kind == Kind::OptionalFloat => {
            let number = &written?.expr;
            Arg::Tokens(quote!(::core::option::Option::Some(#number)))
        }
        Value::Expression => Arg::Tokens(written?.expr.clone()),
        Value::Absent | Value::Tensor(_) => Arg::Tensor(written.and_then(|written| written.var)),
    })
}
