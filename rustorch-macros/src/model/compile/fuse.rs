//! Fusion: what a product, convolution or normalisation does to its result while it is in the cache.

use super::super::ir::Var;
use super::{Act, Callee, Kind, Operand, Step, counts};
use rustorch_shape::Poly;
use std::collections::BTreeMap;

/// Lets linear maps, convolutions and normalisations take in what alone uses their result: convolutions a normalisation,
/// normalisations a sum, all of them an activation, and convolutions maxima over windows. `shape` gives that of a tensor.
pub(super) fn fuse<'m>(
    steps: &mut Vec<Step<'_>>,
    results: &[Var],
    shape: impl Fn(Var) -> Option<&'m Vec<Poly>>,
) {
    // Fusion moves uses from step to step, but makes none and removes only those of what is gone with them.
    let uses = counts(steps);
    let mut at = 0;
    while at < steps.len() {
        let Some((last, user)) = fusible(steps, at, (&uses, results), &shape) else {
            at += 1;
            continue;
        };
        if let Last::Residual(var) = last {
            // The summand may be made between the two: both happen where the sum was.
            if let Kind::Conv2d { residual, .. } | Kind::ChannelNorm { residual, .. } = &mut steps[at].kind {
                *residual = Some(var);
            }
            let first = steps.remove(at);
            steps[user - 1].kind = first.kind;
            continue;
        }
        match (&mut steps[at].kind, last) {
            (
                Kind::Linear { act, .. } | Kind::Conv2d { act, .. } | Kind::ChannelNorm { act, .. },
                Last::Act(function),
            ) => *act = Some(function),
            (Kind::Conv2d { pool, .. }, Last::Pool(windows)) => *pool = Some(windows),
            (Kind::Conv2d { norm, .. }, Last::Norm(layer)) => *norm = Some(layer),
            _ => {}
        }
        let removed = steps.remove(user);
        steps[at].results = removed.results;
    }
}

/// Lets recurrent layers read the rows of a table that nobody else uses, so that the table is multiplied with their weights
/// and not each row anew.
pub(super) fn fuse_tables(steps: &mut Vec<Step<'_>>, results: &[Var]) {
    let mut at = 0;
    while at < steps.len() {
        let Kind::Embedding { layer, input } = steps[at].kind else {
            at += 1;
            continue;
        };
        let rows = steps[at].results[0];
        let mut users = (at + 1..steps.len()).filter(|user| steps[*user].kind.uses().contains(&rows));
        let (Some(user), None) = (users.next(), users.next()) else {
            at += 1;
            continue;
        };
        match &mut steps[user].kind {
            Kind::Recurrent { input: read, table, states, .. }
                if *read == rows && !states.contains(&rows) && !results.contains(&rows) =>
            {
                (*read, *table) = (input, Some(layer));
                steps.remove(at);
            }
            _ => at += 1,
        }
    }
}

/// What can be fused into a step.
enum Last {
    Act(Act),
    Pool(String),
    /// A normalisation of channels.
    Norm(Callee),
    Residual(Var),
}

/// What a step can still take in.
#[derive(Default)]
struct Open {
    act: bool,
    /// Of activations, ReLU alone.
    relu: bool,
    pool: bool,
    norm: bool,
    residual: bool,
}

fn open(kind: &Kind<'_>) -> Option<Open> {
    Some(match kind {
        Kind::Linear { act: None, .. } => Open { act: true, ..Open::default() },
        Kind::Conv2d { norm: None, act, pool: None, .. } => {
            Open { act: act.is_none(), pool: true, norm: act.is_none(), ..Open::default() }
        }
        Kind::Conv2d { norm: Some(_), residual, act: None, .. }
        | Kind::ChannelNorm { residual, act: None, .. } => {
            Open { relu: true, residual: residual.is_none(), ..Open::default() }
        }
        _ => return None,
    })
}

/// What can be fused into step `at`, and the step that it is.
fn fusible<'m>(
    steps: &[Step<'_>],
    at: usize,
    (uses, results): (&BTreeMap<Var, usize>, &[Var]),
    shape: &impl Fn(Var) -> Option<&'m Vec<Poly>>,
) -> Option<(Last, usize)> {
    let open = open(&steps[at].kind)?;
    let var = steps[at].results[0];
    if uses.get(&var) != Some(&1) || results.contains(&var) {
        return None;
    }
    let user = (at + 1..steps.len()).find(|user| steps[*user].kind.uses().contains(&var))?;
    let last = match &steps[user].kind {
        Kind::Unary { act, .. } if open.act || open.relu && act.name == "relu" => Last::Act(act.clone()),
        Kind::MaxPool { pool, .. } if open.pool => Last::Pool(pool.clone()),
        Kind::ChannelNorm { layer, .. } if open.norm => Last::Norm(*layer),
        Kind::Binary { op: "add", left: Operand::Tensor(a), right: Operand::Tensor(b) } if open.residual => {
            let other = if *a == var { *b } else { *a };
            (other != var && shape(other)? == shape(var)?).then_some(Last::Residual(other))?
        }
        _ => return None,
    };
    Some((last, user))
}
