//! The steps of a compiled pass in words, for `rustorch::compiled::explain`.

use super::super::callee::Callee;
use super::super::check::Checked;
use super::super::compile::{Act, Kind, On, Operand, Region, Step};
use super::super::errors::source;
use super::super::ir::{Element, Model, Over};
use super::super::lower::{Decision, Instruction};
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
        step.kind.inner().for_each(|inner| add(model, checked, inner, lines));
    }
}

/// `[batch, 128] = relu(fc1(·))`
fn line(model: &Model, checked: &Checked, step: &Step<'_>) -> String {
    let label = |callee: &Callee| {
        let (label, path) = (&model.fields[callee.field].label, callee.path);
        match callee.element {
            Element::At(at) => format!("{label}[{at}]{path}"),
            Element::Counted(position) => format!("{label}[{}]{path}", model.position(position)),
            Element::Whole | Element::Each => format!("{label}{path}"),
        }
    };
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
        Kind::Linear { map, act, last, .. } => {
            let name = label(&map.layer);
            let text = wrap(
                if map.projections.is_some() { format!("{name}.in_proj(·)") } else { format!("{name}(·)") },
                act,
            );
            match last {
                Some(last) => last.chain.words(Some((last.product, &text))),
                None => text,
            }
        }
        Kind::Conv2d { layer, norm, residual, act, pool, .. } => {
            let text = format!("{}(·)", label(layer));
            let text = norm.as_ref().map_or(text.clone(), |norm| format!("{}({text})", label(norm)));
            let text = wrap(if residual.is_some() { format!("add({text}, ·)") } else { text }, act);
            pool.as_ref().map_or(text.clone(), |pool| format!("{}({text})", pool.name))
        }
        Kind::ChannelNorm { layer, residual, act, .. } => {
            let text = format!("{}(·)", label(layer));
            wrap(if residual.is_some() { format!("add({text}, ·)") } else { text }, act)
        }
        Kind::RowNorm { layer, .. } | Kind::Embedding { layer, .. } => format!("{}(·)", label(layer)),
        Kind::Kernel { name, inputs, .. } => format!("{name}({})", vec!["·"; inputs.len()].join(", ")),
        Kind::Recurrent { layer, table, .. } => match table {
            Some(table) => format!("{}({}(·))", label(layer), label(table)),
            None => format!("{}(·)", label(layer)),
        },
        Kind::Unary { act, .. } => format!("{}(·)", act.name),
        Kind::Binary { op, left, right } => {
            let side = |operand: &Operand| match operand {
                Operand::Tensor(_) => "·".to_string(),
                Operand::Number(number) => number.to_string(),
            };
            format!("{op}({}, {})", side(left), side(right))
        }
        Kind::Chain(chain) => chain.words(None),
        Kind::Reshape { .. } => "reshape(·)".into(),
        Kind::Detach { .. } => "detach(·)".into(),
        Kind::State { owner, entry } => {
            let name = label(owner);
            entry.map_or(name.clone(), |entry| format!("{name}.{entry}"))
        }
        Kind::Permute { dims, .. } => format!("permute(·, {dims:?})"),
        Kind::Attention { mask: None, .. } => "attention(·, ·, ·)".into(),
        Kind::Attention { mask: Some(_), .. } => "attention(·, ·, ·, mask = ·)".into(),
        Kind::Island { instruction, layer, .. } => match (instruction, layer) {
            (_, Some(layer)) => format!("{}(·), on tensors", label(layer)),
            (Instruction::Function { name, .. }, _) => format!("{name}(..), on tensors"),
            (Instruction::Einsum { spec, .. }, _) => format!("einsum {spec}, on tensors"),
            _ => "on tensors".into(),
        },
        Kind::Submodel { target, .. } => format!("{}(..)", label(target)),
        Kind::Branch { on, .. } => match on {
            On::Training => "if self.training".into(),
            On::Decision(Decision::If(condition)) => format!("if {}", source(condition)),
            On::Decision(Decision::Present(field)) => format!("if {} is there", model.fields[*field].label),
            On::Match(subject, _) => format!("match {}", source(*subject)),
        },
        Kind::Loop { over, .. } => match over {
            Over::Field(field) => format!("for every one of {}", model.fields[*field].label),
            Over::Range(range) => format!("for {}", source(range)),
        },
    };
    format!("{} = {text}", shapes.join(", "))
}
