//! Shapes and patterns: what a tensor, or a tuple of tensors, looks like and is called.

use super::super::ast::{Mistake, Pattern, Shape, Shapes};
use super::super::errors::source;
use super::python;
use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Token, Type, bracketed, parenthesized, token};

/// `[batch, 1, 28, 28]`; what else stands there is read as far as it can be, and reported with the sizes.
pub(in super::super) fn shape(input: ParseStream) -> syn::Result<Shape> {
    let content;
    if input.peek(token::Bracket) {
        let bracket = bracketed!(content in input);
        let dims = sizes(&content)?;
        return Ok(Shape { dims, span: bracket.span.join(), mistake: None });
    }
    if input.peek(token::Paren) {
        let paren = parenthesized!(content in input);
        let dims = sizes(&content)?;
        let span = paren.span.join();
        let text = source(&quote::quote!([#(#dims),*]));
        let mistake = Mistake::new(span, format!("a shape stands in brackets: `{text}`"), !dims.is_empty());
        return Ok(Shape { dims, span, mistake });
    }
    if !input.peek(Ident) || input.peek2(token::Brace) && input.peek3(Token![,]) {
        return Err(input.error("expected a shape in brackets, as in `[batch, 784]`"));
    }
    let written: Type = input.call(Type::without_plus)?;
    let text = source(&written).replace(" < ", "<").replace(" >", ">");
    let message = match text.as_str() {
        "bool" => "an input is a tensor, with a shape like `[batch, 784]`; whether the model is being trained is `self.training`, and a choice between models is a parameter, `const DEEP: bool`".to_owned(),
        "usize" | "isize" | "i32" | "i64" | "f32" | "f64" => format!(
            "an input is a tensor, with a shape like `[batch, 784]`; a `{text}` is a parameter of the model, as in `const D: usize`, or a tensor of shape `[]`"
        ),
        _ => format!("`{text}` says nothing about sizes: write the shape, as in `[batch, 784]`"),
    };
    Ok(Shape {
        dims: Vec::new(),
        span: written.span(),
        mistake: Mistake::new(written.span(), message, false),
    })
}

/// What stands between the brackets of a shape.
fn sizes(input: ParseStream) -> syn::Result<Vec<Expr>> {
    const SIZE: &str = "expected a size: a number, a const parameter, the name of one that only a run knows, or `+ - * /` of these, as in `[batch, 4 * D]`";
    let mut dims = Vec::new();
    while !input.is_empty() {
        if input.peek(Token![..]) || input.peek(Token![...]) {
            return Err(input.error("a shape has a size for every axis, as in `[batch, seq, 784]`"));
        }
        // What syn expects of an expression is not what is expected of a size.
        let ahead = input.fork();
        match ahead.parse() {
            Ok(dim) => dims.push(dim),
            Err(error) if ahead.is_empty() => return Err(error),
            Err(error) => return Err(syn::Error::new(error.span(), SIZE)),
        }
        input.advance_to(&ahead);
        if input.is_empty() {
            break;
        }
        if !input.peek(Token![,]) {
            return Err(input.error("expected `,` between the sizes"));
        }
        input.parse::<Token![,]>()?;
    }
    Ok(dims)
}

/// A shape, or a tuple of them.
pub(in super::super) fn shapes(input: ParseStream) -> syn::Result<Shapes> {
    if input.peek(token::Paren) && is_tuple(&input.fork()).unwrap_or(false) {
        let content;
        let paren = parenthesized!(content in input);
        let parts = content.parse_terminated(shapes, Token![,])?.into_iter().collect();
        return Ok(Shapes::Tuple(parts, paren.span.join()));
    }
    shape(input).map(Shapes::One)
}

/// Whether the parentheses ahead hold shapes, and not sizes.
fn is_tuple(input: ParseStream) -> syn::Result<bool> {
    let content;
    parenthesized!(content in input);
    let first = content.peek(token::Bracket) || content.peek(token::Paren);
    let content_rest: TokenStream = content.parse()?;
    drop(content_rest);
    Ok(first)
}

/// A name or a tuple of patterns.
pub(in super::super) fn pattern(input: ParseStream) -> syn::Result<Pattern> {
    if input.peek(token::Paren) {
        let content;
        let paren = parenthesized!(content in input);
        let parts = content.parse_terminated(pattern, Token![,])?.into_iter().collect();
        return Ok(Pattern::Tuple(parts, paren.span.join()));
    }
    if input.peek(token::Bracket) {
        return Err(python::list_of_names(input));
    }
    if input.peek(Token![_]) {
        let underscore: Token![_] = input.parse()?;
        return Ok(Pattern::Name(Ident::new("_", underscore.span)));
    }
    input.parse::<Option<Token![mut]>>()?;
    input.parse().map(Pattern::Name)
}
