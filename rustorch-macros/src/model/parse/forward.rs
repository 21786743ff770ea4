//! The signature of `forward`.

use super::super::ast::{Forward, Mistake, Pattern, Shape, Shapes};
use super::super::errors::{Errors, source};
use super::head::UNFINISHED;
use super::shapes::{pattern, shapes};
use super::{Opened, body, end_of, open, python};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::discouraged::Speculative;
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
        let outputs = output(input, name.span(), next, errors)?;
        if input.peek(Token![;]) && input.peek2(token::Brace) {
            errors.push(input.error("leave out the `;`: the steps follow the shapes, in braces"));
            input.parse::<Token![;]>()?;
        }
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
fn output(input: ParseStream, name: Span, next: Span, errors: &mut Errors) -> syn::Result<Shapes> {
    let wrong = match () {
        () if input.peek(Token![=>]) => Some("=>"),
        () if input.peek(Token![:]) => Some(":"),
        () => None,
    };
    if let Some(wrong) = wrong {
        errors.push(input.error(format!("the shape of the output follows `->`, not `{wrong}`")));
    }
    if wrong.is_some() || input.peek(Token![->]) {
        match wrong {
            Some(":") => drop(input.parse::<Token![:]>()?),
            Some(_) => drop(input.parse::<Token![=>]>()?),
            None => drop(input.parse::<Token![->]>()?),
        }
        let ahead = input.fork();
        return match shapes(&ahead) {
            Ok(shapes) => {
                input.advance_to(&ahead);
                Ok(shapes)
            }
            Err(_) if input.is_empty() => {
                Ok(Shapes::One(Shape::unclear(name, Some(syn::Error::new(name, UNFINISHED)))))
            }
            Err(error) => {
                let span = input.span();
                while !input.is_empty() && !input.peek(token::Brace) {
                    input.parse::<TokenTree>()?;
                }
                Ok(Shapes::One(Shape::unclear(span, Some(error))))
            }
        };
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
    if !input.is_empty() && !input.peek(token::Paren) {
        return Err(input.error("expected the inputs in parentheses, as in `forward(x: [batch, 784])`"));
    }
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
            // `x: batch, 784`, of which that has been said
            let is_unclear =
                |(_, shapes): &(Pattern, Shapes)| shapes.flat().iter().any(|shape| shape.mistake.is_some());
            while inputs.last().is_some_and(is_unclear) && content.peek(Token![,]) && content.peek2(syn::Lit)
            {
                content.parse::<Token![,]>()?;
                content.parse::<TokenTree>()?;
            }
        }
        if content.peek(Token![,]) {
            content.parse::<Token![,]>()?;
        } else if !content.is_empty() {
            errors.push(content.error("expected `,` between the inputs"));
            while !(content.is_empty() || content.peek(Ident) && content.peek2(Token![:])) {
                content.parse::<TokenTree>()?;
            }
        }
    }
    if inputs.is_empty() {
        return Err(syn::Error::new(paren.span.join(), "a model needs an input, as in `x: [batch, 784]`"));
    }
    Ok(inputs)
}

fn one_input(input: ParseStream) -> syn::Result<(Pattern, Shapes)> {
    let ahead = input.fork();
    let error = match named_shapes(&ahead) {
        Ok((names, shapes)) => {
            input.advance_to(&ahead);
            let shapes = spread(&names, shapes);
            return Ok((names, shapes));
        }
        Err(error) => error,
    };
    // The others are still seen.
    let (span, mut name) = (input.span(), None);
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse()? {
            TokenTree::Ident(ident) if syn::parse2::<Ident>(ident.to_token_stream()).is_ok() => {
                name.get_or_insert(ident);
            }
            _ => {}
        }
    }
    let name = name.unwrap_or_else(|| Ident::new("input", span));
    Ok((Pattern::Name(name), Shapes::One(Shape::unclear(span, Some(error)))))
}

fn named_shapes(input: ParseStream) -> syn::Result<(Pattern, Shapes)> {
    let start = input.span();
    let names = pattern(input)?;
    if names.names().is_empty() {
        return Err(syn::Error::new(start, "an input has a name, as in `x: [batch, 784]`"));
    }
    let example = match &names {
        Pattern::Name(name) => format!("the shape of `{name}`, as in `{name}: [batch, 784]`"),
        Pattern::Tuple(..) => "the shapes, as in `(h, c): ([batch, D], [batch, D])`".to_string(),
    };
    if !input.peek(Token![:]) {
        let message = format!("expected `:` and {example}");
        return Err(match (&names, input.is_empty()) {
            (Pattern::Name(name), true) => syn::Error::new(name.span(), message),
            _ => input.error(message),
        });
    }
    input.parse::<Token![:]>()?;
    Ok((names, shapes(input)?))
}

/// Gives every name a shape, and every shape a name: another number of them is a mistake.
fn spread(names: &Pattern, shapes: Shapes) -> Shapes {
    let Pattern::Tuple(parts, span) = names else { return shapes };
    let shape = match shapes {
        Shapes::One(shape) => shape,
        Shapes::Tuple(mut shapes, at) => {
            let (needed, given) = (parts.len(), shapes.len());
            if needed != given && needed > 0 {
                let message = format!("there are {needed} names for {given} shapes");
                // One of those that have no partner says so.
                shapes.truncate(needed.saturating_sub(usize::from(given > needed)));
                let error = syn::Error::new(*span, message);
                shapes.push(Shapes::One(Shape::unclear(at, Some(error))));
                shapes.resize_with(needed, || Shapes::One(Shape::unclear(at, None)));
            }
            let pairs = parts.iter().zip(shapes);
            return Shapes::Tuple(pairs.map(|(part, shape)| spread(part, shape)).collect(), at);
        }
    };
    let count = names.names().len();
    let sizes = source(&{
        let dims = &shape.dims;
        quote::quote!([#(#dims),*])
    });
    let message =
        format!("there are {count} names for one shape: each has its own, as in `({sizes}, {sizes})`");
    let error = shape.mistake.is_none().then(|| syn::Error::new(*span, message));
    let mut mistake = shape.mistake.clone().map_or(error, |mistake| mistake.error);
    let unclear = |part: &Pattern| {
        let shape = Shapes::One(Shape::unclear(shape.span, mistake.take()));
        spread_quietly(part, shape)
    };
    Shapes::Tuple(parts.iter().map(unclear).collect(), *span)
}

/// The shape, and for further names none.
fn spread_quietly(names: &Pattern, shape: Shapes) -> Shapes {
    match names {
        Pattern::Name(_) => shape,
        Pattern::Tuple(parts, span) => {
            let mut first = Some(shape);
            let part = |part| {
                let shape = first.take().unwrap_or_else(|| Shapes::One(Shape::unclear(*span, None)));
                spread_quietly(part, shape)
            };
            Shapes::Tuple(parts.iter().map(part).collect(), *span)
        }
    }
}
