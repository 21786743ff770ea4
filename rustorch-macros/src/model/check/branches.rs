//! Branches and loops: what their arms give must agree.

use super::super::errors::Place;
use super::super::ir::{Carried, Choice, Condition, Counter, Presence, Region, Shape, Step, Use};
use super::{Checker, equalities};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::{Poly, Relation};

impl Checker<'_> {
    pub(super) fn choose(&mut self, choice: &Choice, then: &Region, otherwise: &Region, step: &Step) {
        let condition = match choice {
            Choice::If(Condition { tokens, is_const: true }) => Some(tokens.clone()),
            Choice::If(_) => None,
            Choice::Present(field) => match &self.model.fields[*field].presence {
                Presence::Optional(condition) => condition.clone(),
                Presence::Always => None,
            },
        };
        let opposite = condition.as_ref().map(|condition| quote!(!(#condition)));
        self.arms(&[(then, condition), (otherwise, opposite)], step);
    }

    pub(super) fn matching(
        &mut self,
        subject: &Condition,
        patterns: &[TokenStream],
        arms: &[Region],
        step: &Step,
    ) {
        let mut earlier: Vec<TokenStream> = Vec::new();
        let mut guarded = Vec::new();
        for (pattern, arm) in patterns.iter().zip(arms) {
            let subject = &subject.tokens;
            let guard = quote!(matches!(#subject, #pattern) #(&& !matches!(#subject, #earlier))*);
            earlier.push(pattern.clone());
            guarded.push((arm, Some(guard)));
        }
        if !subject.is_const {
            guarded.iter_mut().for_each(|(_, guard)| *guard = None);
        }
        self.arms(&guarded, step);
    }

    /// Checks every arm under its condition. All must give what one of them gives: the first one, or the last one if that is what
    /// the first gives under its condition, as where `IN == OUT` makes a residual possible.
    pub(super) fn arms(&mut self, arms: &[(&Region, Option<TokenStream>)], step: &Step) {
        let before = self.errors.count();
        for (arm, guard) in arms {
            self.under(guard.as_ref(), |this| this.region(arm));
        }
        // After a mistake, nothing is known about the result.
        if self.errors.count() > before {
            return;
        }
        for (position, var) in step.results.iter().enumerate() {
            let results: Option<Vec<&Use>> = arms.iter().map(|(arm, _)| arm.results.get(position)).collect();
            let Some(results) = results else { continue };
            let shapes: Option<Vec<Shape>> =
                results.iter().map(|result| self.known(result).map(|(_, shape)| shape)).collect();
            let Some(shapes) = shapes else { continue };
            let (first, last) = (0, shapes.len() - 1);
            let whole = match self.is_under(arms[first].1.as_ref(), &shapes[first], &shapes[last]) {
                true => last,
                false => first,
            };
            let says = match whole == first {
                true => "in the first case this is",
                false => "in the last case this is",
            };
            let mut agree = true;
            for (number, (_, guard)) in arms.iter().enumerate().filter(|(number, _)| *number != whole) {
                let (result, shape) = (results[number], &shapes[whole]);
                agree &= self.under(guard.as_ref(), |this| this.agree(result, shape, result.span, says));
            }
            self.set(*var, agree.then(|| shapes[whole].clone()), Vec::new());
        }
    }

    /// Runs `inner` where what is claimed matters only if `guard` holds.
    fn under<T>(&mut self, guard: Option<&TokenStream>, inner: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.guards.len();
        self.guards.extend(guard.cloned());
        let result = inner(self);
        self.guards.truncate(depth);
        result
    }

    /// Whether more sizes of two shapes agree where `guard` holds than elsewhere, or are claimed to, as by a residual.
    fn is_under(&self, guard: Option<&TokenStream>, one: &Shape, other: &Shape) -> bool {
        let Some(guard) = guard else { return false };
        let known = equalities::of(self.guards.iter().chain([guard]));
        let guards = self.guards.iter().chain([guard]);
        let all = quote!(#((#guards))&&*).to_string();
        let is_claimed = |a: &Poly, b: &Poly| {
            self.claims.iter().any(|located| {
                let sides = (&located.claim.left, &located.claim.right);
                located.claim.relation == Relation::Equal
                    && (sides == (a, b) || sides == (b, a))
                    && located.guard.as_ref().is_some_and(|guard| guard.to_string() == all)
            })
        };
        let helps = |(a, b): (&Poly, &Poly)| {
            a != b && (known.apply(a).is_some_and(|a| Some(a) == known.apply(b)) || is_claimed(a, b))
        };
        one.len() == other.len() && one.iter().zip(other).any(helps)
    }

    pub(super) fn repeat(
        &mut self,
        counter: Option<&Counter>,
        carried: &[Carried],
        body: &Region,
        step: &Step,
    ) {
        for carried in carried {
            let before = self.known(&carried.before);
            let how = before.as_ref().map_or(Vec::new(), |(var, _)| self.how[*var].clone());
            self.set(carried.inside, before.map(|(_, shape)| shape), how);
        }
        self.counting(counter, |this| this.region(body));
        for ((carried, result), output) in carried.iter().zip(&body.results).zip(&step.results) {
            let Some((_, before)) = self.known(&carried.before) else { continue };
            let says = format!("a loop keeps shapes, and before it `{}` was", carried.name);
            let span: Place = result.span;
            let kept = self.agree(result, &before, span, &says);
            self.set(*output, kept.then_some(before), Vec::new());
        }
    }
}
