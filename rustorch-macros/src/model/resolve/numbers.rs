//! Numbers with a name: `let scale = 1.0 / (D as f64).sqrt();`, `let width = D / HEADS;`.

use super::super::ast::{Block, Branch, BranchKind, Condition, Value};
use super::body::{Binding, Number, Resolver};
use super::size::Sizes;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use rustorch_shape::Poly;
use syn::{Expr, Ident};

impl Resolver<'_> {
    /// The expression of a number of Rust, if the value is one.
    pub(super) fn number(&self, value: &Value) -> Option<Expr> {
        match value {
            Value::Expr(expr) => self.is_scalar(expr).then(|| expr.clone()),
            Value::Branch(branch) => syn::parse2(self.chosen(branch)?).ok(),
            Value::Broken => None,
        }
    }

    /// `if D > 64 { 0.5 } else { 1.0 }`
    fn chosen(&self, branch: &Branch) -> Option<TokenStream> {
        let BranchKind::If(conditions) = &branch.kind else { return None };
        let mut tokens = TokenStream::new();
        for (condition, arm) in conditions.iter().zip(&branch.arms) {
            let (Condition::Expr(condition), arm) = (condition, self.arm_number(arm)?) else { return None };
            tokens.extend(quote::quote!(if #condition { #arm } else));
        }
        let otherwise = self.arm_number(branch.otherwise.as_deref()?)?;
        tokens.extend(quote::quote!({ #otherwise }));
        Some(tokens)
    }

    fn arm_number(&self, block: &Block) -> Option<Expr> {
        block.tail.as_ref().filter(|_| block.statements.is_empty()).and_then(|value| self.number(value))
    }

    /// Gives a number its name; it stands wherever the name does.
    pub(super) fn declare_number(&mut self, name: &Ident, expr: &Expr) {
        let number = match self.condition(expr) {
            Some(known) => {
                // A name that is no size is still a number.
                let size = self.sizes.size(expr).ok();
                self.sizes.set_named(&name.to_string(), size);
                Binding::Number(Some(Number { tokens: known.tokens, is_const: known.is_const }))
            }
            None => Binding::Value(super::value::Val::Broken),
        };
        self.bind(name, number);
    }

    /// The sizes with the numbers that the loops around here count, as positions on axes and in arrays may use them.
    pub(super) fn counting(&self) -> Sizes {
        let mut sizes = self.sizes.clone();
        for (name, binding) in self.scopes.iter().flatten() {
            if matches!(binding, Binding::Number(None)) {
                sizes.set_named(name, Some(Poly::dim(name)));
            }
        }
        sizes
    }

    /// The tokens with every named number in place of its name.
    pub(super) fn substituted(&self, tokens: TokenStream) -> TokenStream {
        if !self.has_numbers || tokens.is_empty() {
            return tokens;
        }
        let mut behind_dot = false;
        let replace = |token: TokenTree| {
            let is_member = std::mem::replace(&mut behind_dot, is_dot(&token));
            match token {
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), self.substituted(group.stream()));
                    inner.set_span(group.span());
                    inner.into()
                }
                TokenTree::Ident(name) if !is_member => match self.lookup(&name.to_string()) {
                    Some(Binding::Number(Some(number))) => {
                        Group::new(Delimiter::Parenthesis, number.tokens).into()
                    }
                    _ => name.into(),
                },
                other => other,
            }
        };
        tokens.into_iter().map(replace).collect()
    }
}

fn is_dot(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if matches!(punct.as_char(), '.' | ':'))
}
