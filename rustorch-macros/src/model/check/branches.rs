//! Branches and loops: what their arms give must agree.

use super::super::errors::Place;
use super::super::ir::{Carried, Choice, Condition, Presence, Region, Step};
use super::Checker;
use proc_macro2::TokenStream;
use quote::quote;

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

    /// Checks every arm under its condition; the others must give what the first one gives.
    pub(super) fn arms(&mut self, arms: &[(&Region, Option<TokenStream>)], step: &Step) {
        for (position, (arm, guard)) in arms.iter().enumerate() {
            let depth = self.guards.len();
            self.guards.extend(guard.clone());
            self.region(arm);
            for (result, var) in arm.results.iter().zip(&step.results) {
                let Some((_, shape)) = self.known(result) else { continue };
                match (position, self.shapes[*var].clone()) {
                    (0, _) | (_, None) => self.set(*var, Some(shape), Vec::new()),
                    (_, Some(first)) => {
                        // After a mistake, nothing is known about the result.
                        if !self.agree(result, &first, result.span, "in the first case this is") {
                            self.set(*var, None, Vec::new());
                        }
                    }
                }
            }
            self.guards.truncate(depth);
        }
    }

    pub(super) fn repeat(&mut self, carried: &[Carried], body: &Region, step: &Step) {
        for carried in carried {
            let before = self.known(&carried.before);
            let how = before.as_ref().map_or(Vec::new(), |(var, _)| self.how[*var].clone());
            self.set(carried.inside, before.map(|(_, shape)| shape), how);
        }
        self.region(body);
        for ((carried, result), output) in carried.iter().zip(&body.results).zip(&step.results) {
            let Some((_, before)) = self.known(&carried.before) else { continue };
            let says = format!("a loop keeps shapes, and before it `{}` was", carried.name);
            let span: Place = result.span;
            let kept = self.agree(result, &before, span, &says);
            self.set(*output, kept.then_some(before), Vec::new());
        }
    }
}
