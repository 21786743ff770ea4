//! `rearrange!`, `reduce!` and `repeat!` in a forward pass.

use super::super::errors::place_of;
use super::super::ir::{Op, PatternCall};
use super::super::pattern::MOST_MOVES;
use super::body::Resolver;
use super::value::Val;
use crate::einops::{self, parse::Input};
use rustorch_shape::einops::{Operation, REDUCTIONS};
use syn::Expr;
use syn::parse::ParseStream;

/// The macro that is called, if it is one of the three.
pub(super) fn operation(mac: &syn::Macro) -> Option<Operation> {
    let name = &mac.path.segments.last()?.ident;
    [Operation::Rearrange, Operation::Reduce, Operation::Repeat]
        .into_iter()
        .find(|operation| name == operation.name())
}

impl Resolver<'_> {
    pub(super) fn pattern(&mut self, mac: &syn::Macro, whole: &Expr) -> Val {
        let Some(operation) = operation(mac) else { return Val::Broken };
        let parser = |input: ParseStream| Input::parse(operation, input);
        let Some(parsed) = self.errors.take(mac.parse_body_with(parser)) else { return Val::Broken };
        let input = self.single(&parsed.operand, None);
        let pattern = self.errors.take(einops::check(operation, &parsed));
        let sizes: Vec<_> =
            parsed.sizes.iter().map(|(_, size)| self.errors.take(self.sizes.size(size))).collect();
        let (Some(pattern), Some(sizes)) = (pattern, sizes.into_iter().collect()) else { return Val::Broken };
        let reduction = parsed.reduction.as_ref().map(syn::LitStr::value);
        let reduction = reduction.and_then(|name| REDUCTIONS.into_iter().find(|known| *known == name));
        let text = super::super::errors::source(whole);
        let between = (1..MOST_MOVES).map(|_| self.fresh(text.clone())).collect();
        let span = place_of(&parsed.pattern);
        let call = PatternCall { pattern, span, input, reduction, sizes, between };
        self.result(Op::Pattern(Box::new(call)), whole)
    }
}
