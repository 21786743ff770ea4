//! Attention takes its operands as projections give them: a transposition of heads and positions before or after it is
//! a matter of strides, not of copies.

use super::super::callee::Callee;
use super::super::check::Checked;
use super::super::ir::Var;
use super::super::lower::Arg;
use super::list::Steps;
use super::{Kind, NUMBER};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::Poly;

/// An operand or the result of attention.
#[derive(Clone)]
pub(in super::super) struct Heads {
    /// The tensor that has the shape `[.., heads, positions, features]`.
    pub seen: Var,
    /// The place that each of its axes has in memory; that of the features is the last.
    pub places: Vec<usize>,
}

/// Attention whose operands have as many heads each; `None` for any other, which runs as an island.
pub(super) fn attention<'p>(
    checked: &Checked,
    inputs: &[Var],
    args: &[Arg],
    result: Var,
    dropout: Option<Callee>,
) -> Option<Kind<'p>> {
    let &[q, k, v] = inputs else { return None };
    let [Arg::Tensor(mask), causal, scale] = args else { return None };
    let causal: TokenStream = match causal {
        Arg::Bool(causal) => quote!(#causal),
        Arg::Tokens(causal) => causal.clone(),
        _ => return None,
    };
    let scale = match scale {
        Arg::Tokens(scale) => Some(scale.clone()),
        Arg::Tensor(None) => None,
        _ => return None,
    };
    let heads = |var: Var| -> Option<&[Poly]> {
        let shape = checked.shapes.get(var)?.as_ref()?;
        shape.get(..shape.len().checked_sub(2)?)
    };
    if heads(q)? != heads(k)? || heads(q)? != heads(v)? {
        return None;
    }
    if let Some(mask) = mask {
        checked.shapes.get(*mask)?.as_ref()?;
    }
    let plain =
        |seen: Var| Some(Heads { seen, places: (0..checked.shapes.get(seen)?.as_ref()?.len()).collect() });
    Some(Kind::Attention {
        inputs: [q, k, v],
        operands: [plain(q)?, plain(k)?, plain(v)?],
        mask: *mask,
        causal,
        scale,
        dropout,
        out: plain(result)?,
    })
}

/// One mask of those that several arguments give: a mask of the scores, and one of the keys.
pub(super) fn mask<'p>(inputs: &[Var], args: &[Arg]) -> Option<Kind<'p>> {
    let [Arg::Bool(is_of_scores), Arg::Tokens(causal), Arg::Size(extra)] = args else { return None };
    let options = format!(
        "::rustorch::__private::compiled::Masks {{ is_of_scores: {is_of_scores}, causal: {NUMBER}, extra: {extra} }}"
    );
    Some(Kind::Kernel {
        method: "attention_mask",
        name: "mask".into(),
        inputs: inputs.to_vec(),
        options,
        number: Some(causal.clone()),
    })
}

/// Takes permutations of heads and positions that only attention needs into it.
pub(super) fn absorb(steps: &mut Steps<'_>) {
    for at in 0..steps.len() {
        if let Some(Kind::Attention { .. }) = steps.get(at).map(|step| &step.kind) {
            before(steps, at);
            after(steps, at);
        }
    }
}

/// Takes in those of the operands.
fn before(steps: &mut Steps<'_>, at: usize) {
    for operand in 0..3 {
        let Some(Kind::Attention { inputs, .. }) = steps.get(at).map(|step| &step.kind) else { return };
        let var = inputs[operand];
        // An operand that is used twice keeps its copy.
        let maker = steps.single_use(var).and_then(|_| steps.maker(var));
        let Some((maker, (source, dims))) = maker.and_then(|maker| Some((maker, permuted(steps, maker)?)))
        else {
            continue;
        };
        let Some(mut step) = steps.take(at) else { return };
        if let Kind::Attention { inputs, operands, .. } = &mut step.kind {
            inputs[operand] = source;
            operands[operand].places = dims;
        }
        steps.take(maker);
        steps.put(at, step);
    }
}

/// Takes in that of the result.
fn after(steps: &mut Steps<'_>, at: usize) {
    let user = steps.get(at).and_then(|step| steps.single_use(step.results[0]));
    let Some((user, (_, dims))) = user.and_then(|user| Some((user, permuted(steps, user)?))) else { return };
    let (Some(mut step), Some(gone)) = (steps.take(at), steps.take(user)) else { return };
    if let Kind::Attention { out, .. } = &mut step.kind {
        // Axis `place` of the result in memory is the axis `axis` that attention sees.
        dims.iter().enumerate().for_each(|(place, axis)| out.places[*axis] = place);
    }
    step.results = gone.results;
    steps.put(at, step);
}

/// The tensor of which a step moves all axes but the features, and where each comes from.
fn permuted(steps: &Steps<'_>, at: usize) -> Option<(Var, Vec<usize>)> {
    match &steps.get(at)?.kind {
        Kind::Permute { input, dims } if dims.last().is_some_and(|last| *last + 1 == dims.len()) => {
            Some((*input, dims.clone()))
        }
        _ => None,
    }
}
