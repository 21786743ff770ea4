//! The steps of a compiled pass in words, for `rustorch::compiled::explain`.

use super::super::check::Checked;
use super::super::compile::{Act, Kind, Operand, Region, Step};
use super::super::ir::{Model, Submodel};
use super::super::lower::Instruction;
use rustorch_shape::Dims;

/// A line for every step, by number.
pub(super) fn schedule(model: &Model, checked: &Checked, region: &Region<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    add(model, checked, region, &mut lines);
    lines
}

fn add(model: &Model, checked: &Checked, region: &Region<'_>, lines: &mut Vec<String>) {
    for step in &region.steps {
        debug_assert_eq!(step.number, lines.len(), "lines stand in the order of the steps");
        lines.push(line(model, checked, step));
        match &step.kind {
            Kind::If { then, otherwise } => {
                add(model, checked, then, lines);
                add(model, checked, otherwise, lines);
            }
            Kind::For { body, .. } => add(model, checked, body, lines),
            _ => {}
        }
    }
}

/// `[batch, 128] = relu(fc1(·))`
fn line(model: &Model, checked: &Checked, step: &Step<'_>) -> String {
    let field = |field: &usize| &model.fields[*field].label;
    let shapes: Vec<String> = step
        .results
        .iter()
        .map(|result| checked.shapes[*result].as_ref().map_or("?".into(), |shape| Dims(shape).to_string()))
        .collect();
    let wrap = |inner: String, act: &Option<Act>| match act {
        Some(Act { name, .. }) => format!("{name}({inner})"),
        None => inner,
    };
    let text = match &step.kind {
        Kind::Linear { field: layer, act, .. } => wrap(format!("{}(·)", field(layer)), act),
        Kind::Conv2d { field: layer, act, pool, .. } => {
            let text = wrap(format!("{}(·)", field(layer)), act);
            if pool.is_some() { format!("max_pool2d({text})") } else { text }
        }
        Kind::RowNorm { field: layer, .. } | Kind::Embedding { field: layer, .. } => {
            format!("{}(·)", field(layer))
        }
        Kind::MaxPool { .. } => "max_pool2d(·)".into(),
        Kind::Unary { act, .. } => format!("{}(·)", act.name),
        Kind::Binary { op, left, right } => {
            let side = |operand: &Operand| match operand {
                Operand::Tensor(_) => "·".to_string(),
                Operand::Number(number) => number.to_string(),
            };
            format!("{op}({}, {})", side(left), side(right))
        }
        Kind::Chain(chain) => chain.words(),
        Kind::Reshape { .. } => "reshape(·)".into(),
        Kind::Permute { dims, .. } => format!("permute(·, {dims:?})"),
        Kind::Attention { .. } => "attention(·, ·, ·)".into(),
        Kind::Island { instruction, layer, .. } => match (instruction, layer) {
            (_, Some(layer)) => format!("{}(·), on tensors", field(layer)),
            (Instruction::Function { name, .. }, _) => format!("{name}(..), on tensors"),
            (Instruction::Einsum { spec, .. }, _) => format!("einsum {spec}, on tensors"),
            _ => "on tensors".into(),
        },
        Kind::Submodel { target: Submodel::Field(at) | Submodel::Each(at), .. } => {
            format!("{}(..)", field(at))
        }
        Kind::Submodel { target: Submodel::At(at, number), .. } => format!("{}[{number}](..)", field(at)),
        Kind::If { .. } => "if self.training".into(),
        Kind::For { field: at, .. } => format!("for every one of {}", field(at)),
    };
    format!("{} = {text}", shapes.join(", "))
}
