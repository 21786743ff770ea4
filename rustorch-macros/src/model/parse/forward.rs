//! The signature of `forward`.

use super::super::ast::{Forward, Mistake, Pattern, Shape, Shapes};
use super::super::errors::Errors;
use super::shapes::{pattern, shapes};
use super::{Opened, body, end_of, open, python};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Token, Visibility, braced, parenthesized, token};

/// The forward pass; without a body if that cannot be read.
pub(super) fn forward(tokens: TokenStream, errors: &mut Errors) -> Option<Forward> {
    let (mut body, mut is_rust) = (None, false);
    let Opened { mut tokens, inside, brace, after } = open(tokens);
    tokens.extend(after);
    let signature = |input: ParseStream| {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let is_fn = input.peek(Token![fn]);
        if !matches!(vis, Visibility::Inherited) || is_fn {
            let span = if is_fn { input.span() } else { vis.span() };
            is_rust = true;
            errors.span(span, "write `forward(x: [batch, ..]) -> [batch, ..] { .. }`: it is always public, and not a `fn` of Rust");
        }
        input.parse::<Option<Token![fn]>>()?;
        python::def(input, errors)?;
        let name: Ident = input.parse()?;
        if name != "forward" {
            errors.at(
                &name,
                format!("expected `forward`, found `{name}`: a model has one pass, called `forward`"),
            );
        }
        let inputs = inputs(input, !is_rust, errors)?;
        let ends_early = input.is_empty();
        let next = brace.filter(|_| input.peek(token::Brace)).unwrap_or_else(|| input.span());
        let outputs = output(input, name.span(), next)?;
        if input.peek(token::Brace) {
            let content;
            let brace = braced!(content in input);
            // Read by itself.
            body = Some((inside.clone().unwrap_or(content.parse()?), brace.span.join()));
        } else if !ends_early {
            errors.span(
                name.span(),
                "`forward` has no body: write its steps in braces, as in `{ fc2(relu(fc1(x))) }`",
            );
        }
        if !input.is_empty() {
            errors.push(input.error("nothing may follow the forward pass"));
            input.parse::<TokenStream>()?;
        }
        Ok(Forward { attrs, span: name.span(), inputs, outputs, body: None })
    };
    let last = tokens.clone().into_iter().last();
    let parsed = signature.parse2(tokens);
    let mut forward = match parsed {
        Ok(forward) => forward,
        Err(error) => {
            errors.push(end_of(error, last.as_ref()));
            return None;
        }
    };
    forward.body = body.and_then(|(tokens, span)| body::block(tokens, span, errors));
    Some(forward)
}

/// The shapes of the output; that there is none is reported with the sizes.
fn output(input: ParseStream, name: Span, next: Span) -> syn::Result<Shapes> {
    if input.peek(Token![->]) {
        input.parse::<Token![->]>()?;
        return shapes(input);
    }
    let span = if input.is_empty() { name } else { next };
    let message = "expected `->` and the shape of the output, as in `-> [batch, 10]`".to_string();
    Ok(Shapes::One(Shape { dims: Vec::new(), span, mistake: Mistake::new(span, message, false) }))
}

fn inputs(
    input: ParseStream,
    refuses_self: bool,
    errors: &mut Errors,
) -> syn::Result<Vec<(Pattern, Shapes)>> {
    let content;
    let paren = parenthesized!(content in input);
    let mut inputs = Vec::new();
    while !content.is_empty() {
        if content.peek(Token![&]) || content.peek(Token![self]) {
            if refuses_self {
                errors.push(content.error("leave out `self`: the layers are in scope by their names"));
            }
            while !content.is_empty() && !content.peek(Token![,]) {
                content.parse::<TokenTree>()?;
            }
        } else {
            inputs.push(one_input(&content)?);
        }
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    if inputs.is_empty() {
        return Err(syn::Error::new(paren.span.join(), "a model needs an input, as in `x: [batch, 784]`"));
    }
    Ok(inputs)
}

fn one_input(input: ParseStream) -> syn::Result<(Pattern, Shapes)> {
    let names = pattern(input)?;
    let example = match &names {
        Pattern::Name(name) => format!("the shape of `{name}`, as in `{name}: [batch, 784]`"),
        Pattern::Tuple(..) => "the shapes, as in `(h, c): ([batch, D], [batch, D])`".to_string(),
    };
    if !input.peek(Token![:]) {
        return Err(input.error(format!("expected `:` and {example}")));
    }
    input.parse::<Token![:]>()?;
    Ok((names, shapes(input)?))
}
