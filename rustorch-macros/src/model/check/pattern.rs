//! `rearrange!`, `reduce!` and `repeat!`: the pattern against the shape of its operand.

use super::super::ir::{PatternCall, Step};
use super::super::pattern::moves;
use super::Checker;

impl Checker<'_> {
    pub(super) fn pattern(&mut self, call: &PatternCall, step: &Step) {
        let Some((var, shape)) = self.known(&call.input) else { return };
        let (mut claims, name) = (Vec::new(), call.pattern.operation().name());
        let recipe = match call.pattern.check(&shape, &call.sizes, &mut claims) {
            Ok(recipe) => recipe,
            Err(error) => {
                let message = format!("`{name}!`: {}", error.render(call.pattern.text()));
                let note = self.note(&message, &call.input, None);
                self.errors.span(call.span, format!("{message}{note}"));
                return;
            }
        };
        let moves = moves(recipe, &shape);
        let results = call.between.iter().take(moves.len() - 1).chain(&step.results);
        for (result, step) in results.zip(&moves) {
            let how = self.inherit(Vec::new(), var, &shape, &step.shape);
            self.set(*result, Some(step.shape.clone()), how);
        }
        self.add_claims(claims, &format!("`{name}!`"), &[&call.input], step.span);
    }
}
