//! Fusion: what a product, convolution or normalisation does to its result while it is in the cache.

use super::super::callee::Callee;
use super::super::ir::Var;
use super::list::Steps;
use super::{Act, Kind, Operand, Windows};
use rustorch_shape::Poly;

/// Lets linear maps, convolutions and normalisations take in what alone uses their result: convolutions a normalisation,
/// normalisations a sum, all of them an activation, and convolutions maxima over windows. `shape` gives that of a tensor.
pub(super) fn fuse<'m>(steps: &mut Steps<'_>, shape: impl Fn(Var) -> Option<&'m Vec<Poly>>) {
    for at in 0..steps.len() {
        while let Some((last, user)) = fusible(steps, at, &shape) {
            let (Some(mut step), Some(gone)) = (steps.take(at), steps.take(user)) else { break };
            step.results = gone.results;
            // The summand may be made between the two: both happen where the sum was.
            let place = if matches!(last, Last::Residual(_)) { user } else { at };
            match (&mut step.kind, last) {
                (
                    Kind::Linear { act, .. } | Kind::Conv2d { act, .. } | Kind::ChannelNorm { act, .. },
                    Last::Act(function),
                ) => *act = Some(function),
                (Kind::Conv2d { pool, .. }, Last::Pool(windows)) => *pool = Some(windows),
                (Kind::Conv2d { norm, .. }, Last::Norm(layer)) => *norm = Some(layer),
                (Kind::Conv2d { residual, .. } | Kind::ChannelNorm { residual, .. }, Last::Residual(var)) => {
                    *residual = Some(var);
                }
                _ => {}
            }
            steps.put(place, step);
        }
    }
}

/// Lets recurrent layers read the rows of a table that nobody else uses, so that the table is multiplied with their weights
/// and not each row anew.
pub(super) fn fuse_tables(steps: &mut Steps<'_>) {
    for at in 0..steps.len() {
        let Some(step) = steps.get(at) else { continue };
        let (Kind::Embedding { layer, input, is_plain: true }, &[rows]) = (&step.kind, &step.results[..])
        else {
            continue;
        };
        let (layer, input) = (*layer, *input);
        let Some(user) = steps.single_use(rows) else { continue };
        match steps.get(user).map(|step| &step.kind) {
            Some(Kind::Recurrent { input: read, .. }) if *read == rows => {}
            _ => continue,
        }
        let Some(mut step) = steps.take(user) else { continue };
        if let Kind::Recurrent { input: read, table, .. } = &mut step.kind {
            (*read, *table) = (input, Some(layer));
        }
        steps.put(user, step);
        steps.take(at);
    }
}

/// What can be fused into a step.
enum Last {
    Act(Act),
    Pool(Windows),
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
    steps: &Steps<'_>,
    at: usize,
    shape: &impl Fn(Var) -> Option<&'m Vec<Poly>>,
) -> Option<(Last, usize)> {
    let step = steps.get(at)?;
    let (open, var) = (open(&step.kind)?, step.results[0]);
    let user = steps.single_use(var)?;
    let last = match &steps.get(user)?.kind {
        Kind::Unary { act, .. } if open.act || open.relu && act.name == "relu" => Last::Act(act.clone()),
        Kind::Kernel { method: "max_pool", name, options, .. } if open.pool => {
            Last::Pool(Windows { name: name.clone(), options: options.clone() })
        }
        Kind::ChannelNorm { layer, .. } if open.norm => Last::Norm(*layer),
        Kind::Binary { op: "add", left: Operand::Tensor(a), right: Operand::Tensor(b) } if open.residual => {
            let other = if *a == var { *b } else { *a };
            (other != var && shape(other)? == shape(var)?).then_some(Last::Residual(other))?
        }
        _ => return None,
    };
    Some((last, user))
}
