//! Errors, as many as there are mistakes.

mod constants;
mod written;

pub(super) use constants::Constants;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

/// In place of a message, where what is wrong has been said.
pub(super) const REPORTED: &str = "";

/// What is wrong with a model, in the order in which it was found.
#[derive(Default)]
pub(super) struct Errors {
    list: Vec<syn::Error>,
}

impl Errors {
    /// Adds an error that points at `tokens`.
    pub fn at(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.list.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error that points at a place.
    pub fn span(&mut self, place: impl Into<Place>, message: impl std::fmt::Display) {
        let Place { start, end } = place.into();
        let ends = [start, end].map(|span| Ident::new("x", span));
        self.at(quote!(#(#ends)*), message);
    }

    /// Adds an error of the parser, or of another that knows no `Errors`.
    pub fn push(&mut self, error: syn::Error) {
        if error.to_string() != REPORTED {
            self.list.push(error);
        }
    }

    /// The value, or its error added.
    pub fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of mistakes so far.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    pub fn into_tokens(self) -> TokenStream {
        self.list.iter().map(syn::Error::to_compile_error).collect()
    }

    #[cfg(test)]
    pub fn messages(&self) -> Vec<String> {
        self.list.iter().map(ToString::to_string).collect()
    }
}

/// From one token to another: stable Rust cannot join their spans, but an error can point at both.
#[derive(Clone, Copy)]
pub(super) struct Place {
    start: Span,
    end: Span,
}

impl Place {
    /// The first token.
    pub fn start(self) -> Span {
        self.start
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Place { start: span, end: span }
    }
}

/// From the first to the last of the tokens.
pub(super) fn place_of(tokens: &(impl ToTokens + 'static)) -> Place {
    if let Some((start, end)) = as_expr(tokens).and_then(written::ends) {
        return Place { start, end };
    }
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let start = spans.next().unwrap_or_else(Span::call_site);
    Place { start, end: spans.last().unwrap_or(start) }
}

/// The tokens as a person would write them: `flatten(x, 1)`, shortened if long.
pub(super) fn source(tokens: &(impl ToTokens + 'static)) -> String {
    const LIMIT: usize = 60;
    let mut plain = String::new();
    let text = match as_expr(tokens).and_then(|expr| written::print(expr, &mut plain)) {
        Some(()) => plain,
        None => tidy(&tokens.to_token_stream().to_string()),
    };
    if text.chars().count() <= LIMIT {
        text
    } else {
        format!("{}…", text.chars().take(LIMIT - 1).collect::<String>())
    }
}

/// Expressions are asked for their text and place at every step, and a compiler that is asked to make tokens of them and text of
/// these takes long.
fn as_expr<T: 'static>(tokens: &T) -> Option<&syn::Expr> {
    (tokens as &dyn std::any::Any).downcast_ref()
}

/// Removes the spaces that printing a token stream adds.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_text = false;
    while let Some(c) = rest.next() {
        in_text ^= c == '"' && !out.ends_with('\\');
        if c == ' ' && !in_text {
            let before = out.chars().last().unwrap_or(' ');
            let after = *rest.peek().unwrap_or(&' ');
            let opens =
                matches!(before, '(' | '[' | '&' | '.' | '!') || (before == ':' && out.ends_with("::"));
            let closes = matches!(after, ')' | ']' | ',' | '.' | ';' | ':' | '?' | '!');
            // A minus with nothing to subtract from.
            let minuend = out.strip_suffix('-').map_or("x", str::trim_end).chars().last();
            let sign = minuend.is_none_or(|c| "([,=".contains(c));
            let call =
                matches!(after, '(' | '[') && (before.is_alphanumeric() || matches!(before, '_' | ')' | ']'));
            if opens || closes || call || sign {
                continue;
            }
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_reads_as_written() {
        let tokens = quote::quote!(max_pool2d(relu(conv1(x)), 2) + self.scale * [a, b]);
        assert_eq!(source(&tokens), "max_pool2d(relu(conv1(x)), 2) + self.scale * [a, b]");
        assert_eq!(source(&quote::quote!(-x / 2.0)), "-x / 2.0");
        assert_eq!(source(&quote::quote!(f(a - 1, -1))), "f(a - 1, -1)");
    }

    #[test]
    fn expressions_read_as_their_tokens_do() {
        for text in [
            "max_pool2d(relu(conv1(x)), 2) + self.scale * [a, b]",
            "x.mean(-1, keepdim = true)",
            "reshape(x, [batch, seq, HEADS, D / HEADS])",
            "f(&x, (a, b), \"tanh\", 2 * D)",
            "(x + y).relu()",
            "-x / 2.0",
            "config::WIDTH",
            "!x",
            "einsum!(\"ij->ji\", x)",
            "rearrange!(\"b s (h d) -> b h s d\", x, h = 2)",
            "first.0",
            "f(_, 1)",
            "(x,)",
        ] {
            let expr: syn::Expr = syn::parse_str(text).expect("an expression");
            assert_eq!(source(&expr), tidy(&expr.to_token_stream().to_string()), "{text}");
            assert_eq!(source(&expr), text);
        }
        for text in ["STRIDE == 1 && IN == OUT", "x[0]", "x[1..=3]", "x > 0.5 || !y", "(-1) - a"] {
            let expr: syn::Expr = syn::parse_str(text).expect("an expression");
            assert_eq!(source(&expr), text);
        }
        let parts: syn::Expr = syn::parse_str("x[(.., 1.., ..-1)]").expect("an expression");
        assert_eq!(source(&parts), "x[.., 1.., ..-1]");
    }
}
