//! Attention takes its operands as projections give them: a transposition of heads and positions before or after it is
//! a matter of strides, not of copies.

use super::super::check::Checked;
use super::super::ir::Var;
use super::super::lower::Arg;
use super::{Kind, Step, counts};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::Poly;
use std::collections::BTreeMap;

/// An operand or the result of attention.
#[derive(Clone, Copy)]
pub(in super::super) struct Heads {
    /// The tensor that has the shape `[.., heads, positions, features]`.
    pub seen: Var,
    /// Whether the heads lie between positions and features in memory.
    pub split: bool,
}

/// Attention whose operands have as many heads each; `None` for any other, which runs as an island.
pub(super) fn attention<'p>(
    checked: &Checked,
    inputs: &[Var],
    args: &[Arg],
    results: &[Var],
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
    let plain = |seen: Var| Heads { seen, split: false };
    Some(Kind::Attention {
        inputs: [q, k, v],
        operands: [q, k, v].map(plain),
        mask: *mask,
        causal,
        scale,
        out: plain(*results.first()?),
    })
}

/// Takes transpositions of heads and positions that only attention needs into it.
pub(super) fn absorb(steps: &mut Vec<Step<'_>>, results: &[Var]) {
    // Who uses a tensor changes, how many do does not.
    let uses = counts(steps);
    let mut at = 0;
    while at < steps.len() {
        if matches!(steps[at].kind, Kind::Attention { .. }) {
            at -= before(steps, at, &uses, results);
            after(steps, at, &uses, results);
        }
        at += 1;
    }
}

/// Takes in those of the operands; how many steps went.
fn before(steps: &mut Vec<Step<'_>>, at: usize, uses: &BTreeMap<Var, usize>, results: &[Var]) -> usize {
    let mut gone = 0;
    for operand in 0..3 {
        let here = at - gone;
        let Kind::Attention { inputs, .. } = &steps[here].kind else { break };
        let var = inputs[operand];
        // An operand that is used twice keeps its copy.
        if uses.get(&var) != Some(&1) || results.contains(&var) {
            continue;
        }
        let Some(maker) = steps[..here].iter().rposition(|step| step.results == [var]) else { continue };
        let Kind::Permute { input, dims } = &steps[maker].kind else { continue };
        if !swaps_heads(dims) {
            continue;
        }
        let source = *input;
        if let Kind::Attention { inputs, operands, .. } = &mut steps[here].kind {
            inputs[operand] = source;
            operands[operand].split = true;
        }
        steps.remove(maker);
        gone += 1;
    }
    gone
}

/// Takes in that of the result.
fn after(steps: &mut Vec<Step<'_>>, at: usize, uses: &BTreeMap<Var, usize>, results: &[Var]) {
    let var = steps[at].results[0];
    if uses.get(&var) != Some(&1) || results.contains(&var) {
        return;
    }
    let users = at + 1..steps.len();
    let Some(user) = users.into_iter().find(|user| steps[*user].kind.uses().contains(&var)) else { return };
    match &steps[user].kind {
        Kind::Permute { dims, .. } if swaps_heads(dims) => {}
        _ => return,
    }
    if let Kind::Attention { out, .. } = &mut steps[at].kind {
        out.split = true;
    }
    steps[at].results = steps.remove(user).results;
}

/// Whether only the third and second axes from the end change places.
fn swaps_heads(dims: &[usize]) -> bool {
    let rank = dims.len();
    rank >= 3
        && dims.iter().enumerate().all(|(to, from)| {
            *from
                == match to {
                    to if to == rank - 3 => rank - 2,
                    to if to == rank - 2 => rank - 3,
                    to => to,
                }
        })
}
