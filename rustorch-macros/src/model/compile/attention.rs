//! Attention takes its operands as projections give them: a transposition of heads and positions before or after it is
//! a matter of strides, not of copies.

use super::super::check::Checked;
use super::super::ir::Var;
use super::super::lower::Arg;
use super::Kind;
use super::list::Steps;
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::Poly;

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
        let Some((maker, source)) = maker.and_then(|maker| Some((maker, swapped(steps, maker)?))) else {
            continue;
        };
        let Some(mut step) = steps.take(at) else { return };
        if let Kind::Attention { inputs, operands, .. } = &mut step.kind {
            inputs[operand] = source;
            operands[operand].split = true;
        }
        steps.take(maker);
        steps.put(at, step);
    }
}

/// Takes in that of the result.
fn after(steps: &mut Steps<'_>, at: usize) {
    let user = steps.get(at).and_then(|step| steps.single_use(step.results[0]));
    let Some(user) = user.filter(|user| swapped(steps, *user).is_some()) else { return };
    let (Some(mut step), Some(gone)) = (steps.take(at), steps.take(user)) else { return };
    if let Kind::Attention { out, .. } = &mut step.kind {
        out.split = true;
    }
    step.results = gone.results;
    steps.put(at, step);
}

/// The tensor of which a step makes heads and positions change places, if that is what it does.
fn swapped(steps: &Steps<'_>, at: usize) -> Option<Var> {
    match &steps.get(at)?.kind {
        Kind::Permute { input, dims } if swaps_heads(dims) => Some(*input),
        _ => None,
    }
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
