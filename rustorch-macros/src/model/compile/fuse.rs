//! Fusion: what a product or convolution does to its result while it is in the cache.

use super::super::ir::Var;
use super::{Act, Kind, Step};
use proc_macro2::TokenStream;

/// Lets linear maps and convolutions apply the function that alone uses their result, and convolutions then take maxima
/// over windows.
pub(super) fn fuse(steps: &mut Vec<Step<'_>>, results: &[Var]) {
    let mut at = 0;
    while at < steps.len() {
        let Some((last, result)) = fusible(steps, at, results) else {
            at += 1;
            continue;
        };
        match (&mut steps[at].kind, last) {
            (Kind::Linear { act, .. } | Kind::Conv2d { act, .. }, Last::Act(function)) => {
                *act = Some(function)
            }
            (Kind::Conv2d { pool, .. }, Last::Pool(windows)) => *pool = Some(windows),
            _ => {}
        }
        let removed = steps.remove(result);
        steps[at].results = removed.results;
    }
}

/// What can be fused into a step.
enum Last {
    Act(Act),
    Pool(TokenStream),
}

/// What can be fused into step `at`, and the step that it is.
fn fusible(steps: &[Step<'_>], at: usize, results: &[Var]) -> Option<(Last, usize)> {
    let (takes_act, takes_pool) = match &steps[at].kind {
        Kind::Linear { act, .. } => (act.is_none(), false),
        Kind::Conv2d { act, pool, .. } => (act.is_none() && pool.is_none(), pool.is_none()),
        _ => return None,
    };
    let var = steps[at].results[0];
    if results.contains(&var) {
        return None;
    }
    let mut users = (at + 1..steps.len()).filter(|user| steps[*user].kind.uses().contains(&var));
    let (user, None) = (users.next()?, users.next()) else { return None };
    match &steps[user].kind {
        Kind::Unary { act, .. } if takes_act => Some((Last::Act(act.clone()), user)),
        Kind::MaxPool { pool, .. } if takes_pool => Some((Last::Pool(pool.clone()), user)),
        _ => None,
    }
}
