//! Positions that depend on what loops count: `x[.., i]`, `blocks[N - 1 - i](x)`.
//!
//! They are sums of multiples of counters, so that they are there in every pass if they are in the first and in the last one.

use super::super::codegen;
use super::super::errors::Place;
use super::super::ir::{Bound, ComponentKind, Counter};
use super::Checker;
use quote::quote;
use rustorch_shape::{Poly, Relation, Size, Truth};

/// Names and what stands for them.
type Corner = Vec<(String, Poly)>;

impl Checker<'_> {
    /// Runs `inner` in a loop that counts.
    pub(super) fn counting<T>(&mut self, counter: Option<&Counter>, inner: impl FnOnce(&mut Self) -> T) -> T {
        let depth = (self.counters.len(), self.guards.len());
        if let Some(counter) = counter {
            // What is claimed of a loop without passes does not matter.
            if let Some((start, end)) = &counter.range
                && start.dims().is_empty()
                && end.dims().is_empty()
                && start.as_constant().is_none_or(|start| end.as_constant().is_none_or(|end| start >= end))
            {
                let (start, end) = (codegen::size(start), codegen::size(end));
                self.guards.push(quote!((#start) < (#end)));
            }
            self.counters.push(counter.clone());
        }
        let result = inner(self);
        self.counters.truncate(depth.0);
        self.guards.truncate(depth.1);
        result
    }

    /// Whether a size depends on what a loop counts.
    pub(super) fn is_counted(&self, size: &Poly) -> bool {
        let dims = size.dims();
        self.counters.iter().any(|counter| dims.contains(&*counter.name.to_string()))
    }

    /// What the counters that occur in these sizes are in their first and last passes.
    pub(super) fn corners(&self, sizes: &[&Poly]) -> Result<Vec<Corner>, String> {
        let mut corners: Vec<Corner> = vec![Vec::new()];
        for counter in &self.counters {
            let name = counter.name.to_string();
            if !sizes.iter().any(|size| size.dims().contains(&*name)) {
                continue;
            }
            let last = counter.range.as_ref().and_then(|(_, end)| end.minus(&Poly::constant(1)));
            let (Some((first, _)), Some(last)) = (&counter.range, last) else {
                return Err(format!(
                    "how far `{name}` counts is not known here: let the loop go over sizes, as in `for {name} in 0..4`"
                ));
            };
            if sizes.iter().any(|size| !is_straight(size, &name)) {
                return Err(format!(
                    "a position is a sum of multiples of what loops count, as in `{name} + 1` and `2 * {name}`"
                ));
            }
            corners = corners
                .iter()
                .flat_map(|corner| {
                    [first, &last].map(|at| [&corner[..], &[(name.clone(), at.clone())]].concat())
                })
                .collect();
        }
        Ok(corners)
    }

    /// Checks that a position is one of an array.
    pub(super) fn within(&mut self, name: &str, position: &Poly, length: &Poly, span: Place) {
        let corners = match self.corners(&[position]) {
            Ok(corners) => corners,
            Err(message) => return self.errors.span(span, message),
        };
        for corner in corners {
            let passes: Vec<String> =
                corner.iter().map(|(name, at)| format!(" where `{name}` is {at}")).collect();
            let passes = passes.join(" and");
            let message =
                format!("`{name}` has {length} elements, so there is no `{name}[{position}]`{passes}");
            let Some(at) = at(position, &corner) else { return self.errors.span(span, message) };
            let (Some(next), zero) = (at.plus(&Poly::constant(1)), Poly::constant(0)) else {
                return self.errors.span(span, message);
            };
            for (left, right) in [(&at, &zero), (length, &next)] {
                match left.holds(Relation::AtLeast, right) {
                    Truth::True => {}
                    // Of sizes that only a run knows, nothing can be asserted.
                    Truth::Unknown if left.dims().is_empty() && right.dims().is_empty() => {
                        self.claim(left, Relation::AtLeast, right, message.clone(), span);
                    }
                    Truth::Unknown | Truth::False => return self.errors.span(span, message),
                }
            }
        }
    }
}

/// A size in one pass.
pub(super) fn at(size: &Poly, corner: &Corner) -> Option<Poly> {
    corner.iter().try_fold(size.clone(), |size, (name, value)| size.with(name, value))
}

/// A component of an index in one pass.
pub(super) fn component(kind: &ComponentKind, corner: &Corner) -> Option<ComponentKind> {
    let bound = |bound: &Bound| {
        Some(match bound {
            Bound::FromStart(size) => Bound::FromStart(at(size, corner)?),
            Bound::FromEnd(size) => Bound::FromEnd(at(size, corner)?),
        })
    };
    Some(match kind {
        ComponentKind::At(position) => ComponentKind::At(bound(position)?),
        ComponentKind::Range { start, end, step } => {
            let end = match end {
                Some(end) => Some(bound(end)?),
                None => None,
            };
            ComponentKind::Range { start: bound(start)?, end, step: *step }
        }
        ComponentKind::Whole => ComponentKind::Whole,
        ComponentKind::New => ComponentKind::New,
    })
}

/// The sizes in a component.
pub(super) fn sizes(kind: &ComponentKind) -> Vec<&Poly> {
    let bounds = match kind {
        ComponentKind::At(position) => vec![position],
        ComponentKind::Range { start, end, .. } => std::iter::once(start).chain(end).collect(),
        ComponentKind::Whole | ComponentKind::New => Vec::new(),
    };
    bounds
        .into_iter()
        .map(|bound| match bound {
            Bound::FromStart(size) | Bound::FromEnd(size) => size,
        })
        .collect()
}

/// Whether a size grows by the same from pass to pass.
fn is_straight(size: &Poly, name: &str) -> bool {
    let at = |n: usize| size.with(name, &Poly::constant(n));
    let step = |n: usize| at(n + 1)?.minus(&at(n)?);
    step(0).is_some_and(|first| (1..4).all(|n| step(n).as_ref() == Some(&first)))
}
