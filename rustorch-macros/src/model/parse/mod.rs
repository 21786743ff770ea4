//! Syntax. A mistake in a field or a statement is reported and skipped, so that the rest is still seen.

mod body;
mod brackets;
mod expr;
mod fields;
mod forward;
mod head;
mod misplaced;
mod python;
mod sequential;
mod shapes;

pub(super) use sequential::desugar;

use super::ast::{Form, Model};
use super::errors::Errors;
use head::{Head, head};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};

/// The first model, or at least its name, and the tokens behind it; no model if not even that can be read.
pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> (Option<Model>, TokenStream) {
    let last = input.clone().into_iter().last();
    if last.is_none() {
        errors.span(
            Span::call_site(),
            "`model!` declares a model, as in `pub Net { fc: Linear(64, 10) } forward(x: [batch, 64]) -> [batch, 10] { fc(x) }`",
        );
        return (None, TokenStream::new());
    }
    let input = misplaced::items(input, errors);
    if input.is_empty() {
        return (None, input);
    }
    let input = match without_name(input, errors) {
        Ok(rest) => return (None, rest),
        Err(input) => input,
    };
    let Opened { tokens, inside, after, .. } = open(input);
    let mut found = None;
    let read = |input: ParseStream| {
        found = Some(head(input, errors)?);
        Ok(())
    };
    let parsed = read.parse2(tokens);
    if let Err(error) = parsed {
        errors.push(end_of(error, last.as_ref()));
    }
    let Some(head) = found.map(|head| head.filled(inside, after)) else {
        return (None, TokenStream::new());
    };
    let Head { attrs, vis, name, generics, signature, content, rest } = head;
    let (has_fields, content) = (content.is_some(), content.unwrap_or_default());
    let (pass, rest) = split(misplaced::functions(rest, errors));
    let form = match signature {
        Some((input, output)) => {
            let mut items = Vec::new();
            fields::list(content, errors, |stream, _| fields::item(stream, &mut items));
            if !pass.is_empty() {
                errors.at(
                    pass,
                    "the sequential form ends with its layers: its forward pass is to apply them in order",
                );
            }
            Form::Sequential { input, output, items }
        }
        None => {
            let (content, pass) = taken_out(content, pass, errors);
            let mut fields = Vec::new();
            fields::list(content, errors, |stream, errors| fields::field(stream, &mut fields, errors));
            let forward = match pass.is_empty() {
                // Without layers that has been said.
                true if !has_fields => None,
                true => {
                    errors.at(&name, format!("`{name}` has no forward pass: write `forward(x: [batch, ..]) -> [batch, ..] {{ .. }}` after its fields"));
                    None
                }
                false => forward::forward(pass, errors),
            };
            Form::Declared { fields, forward: Box::new(forward) }
        }
    };
    (Some(Model { attrs, vis, name, generics, form }), rest)
}

/// What follows a model that begins with its braces, and its forward pass: it has no name to go by. Other tokens are given back.
fn without_name(input: TokenStream, errors: &mut Errors) -> Result<TokenStream, TokenStream> {
    let mut rest = input.clone().into_iter().peekable();
    while let Some(token) = rest.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => drop(rest.next()),
            TokenTree::Ident(name) if name == "struct" || name == "class" => {}
            TokenTree::Ident(name) if name == "pub" => {
                drop(rest.next_if(|next| is_group(next, Delimiter::Parenthesis)))
            }
            TokenTree::Group(braces) if braces.delimiter() == Delimiter::Brace => {
                errors.span(
                    braces.span_open(),
                    "a model begins with its name, as in `pub Net { fc: Linear(64, 10) }`",
                );
                return Ok(split(rest.collect()).1);
            }
            _ => break,
        }
    }
    Err(input)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

/// Tokens with braces among them.
struct Opened {
    /// Those up to the braces, which are empty.
    tokens: TokenStream,
    /// What they had inside; nothing if there are none.
    inside: Option<TokenStream>,
    /// The opening one, before it was emptied.
    brace: Option<Span>,
    after: TokenStream,
}

/// Empties the first braces. Their inside is read by itself: syn, which copies all tokens that it is given,
/// would copy it for nothing.
fn open(tokens: TokenStream) -> Opened {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let braces = first_braces(&tokens);
    let Some(braces) = braces else {
        return Opened {
            tokens: tokens.into_iter().collect(),
            inside: None,
            brace: None,
            after: TokenStream::new(),
        };
    };
    let after = tokens.split_off(braces + 1).into_iter().collect();
    let (mut inside, mut brace) = (None, None);
    if let Some(TokenTree::Group(group)) = tokens.last_mut() {
        (inside, brace) = (Some(group.stream()), Some(group.span_open()));
        *group = with_inside(group, TokenStream::new());
    }
    Opened { tokens: tokens.into_iter().collect(), inside, brace, after }
}

/// The place of the first braces that are not within generics, as `Layer<{ N + 1 }>` has them, and do not begin the tokens.
fn first_braces(tokens: &[TokenTree]) -> Option<usize> {
    let (mut depth, mut before) = (0_usize, ' ');
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && depth == 0 && at > 0 => {
                return Some(at);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => depth += 1,
                '>' if before != '-' => depth = depth.saturating_sub(1),
                _ => {}
            },
            _ => {}
        }
        before = match token {
            TokenTree::Punct(punct) => punct.as_char(),
            _ => ' ',
        };
    }
    None
}

/// The same braces around other tokens.
fn with_inside(group: &Group, inside: TokenStream) -> Group {
    let mut with = Group::new(group.delimiter(), inside);
    with.set_span(group.span());
    with
}

/// The forward pass that follows the fields, if one does, and what follows it: other models.
fn split(rest: TokenStream) -> (TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = rest.into_iter().collect();
    let is_brace = |token: &TokenTree| is_group(token, Delimiter::Brace);
    let is_parenthesis = |token: &TokenTree| is_group(token, Delimiter::Parenthesis);
    // `forward(..)`, or another name that is called like it; a model has braces, `<` or `:` behind its name.
    let end = tokens.iter().position(is_brace).map_or(tokens.len(), |brace| brace + 1);
    let head = &tokens[..end];
    let is_pass = head.iter().enumerate().any(|(position, token)| {
        let is_name = matches!(token, TokenTree::Ident(name) if *name != "pub");
        is_name
            && (head.get(position + 1).is_some_and(is_parenthesis)
                || matches!(token, TokenTree::Ident(name) if *name == "forward"))
    });
    let end = if is_pass { end } else { 0 };
    (tokens[..end].iter().cloned().collect(), tokens[end..].iter().cloned().collect())
}

/// The fields, and the forward pass if it stands among them, which is a mistake.
fn taken_out(content: TokenStream, pass: TokenStream, errors: &mut Errors) -> (TokenStream, TokenStream) {
    if !pass.is_empty() {
        return (content, pass);
    }
    let tokens: Vec<TokenTree> = content.into_iter().collect();
    let is_pass = |pair: &[TokenTree]| match pair {
        [TokenTree::Ident(name), TokenTree::Group(inputs)] => {
            name == "forward" && inputs.delimiter() == Delimiter::Parenthesis
        }
        _ => false,
    };
    let Some(at) = tokens.windows(2).position(is_pass) else {
        return (tokens.into_iter().collect(), pass);
    };
    errors.at(&tokens[at], "the forward pass stands behind the braces of the layers, not in them");
    let is_own = |token: &TokenTree| matches!(token, TokenTree::Ident(name) if name == "fn" || name == "pub");
    let start = tokens[..at].iter().rposition(|token| !is_own(token)).map_or(0, |last| last + 1);
    (tokens[..start].iter().cloned().collect(), tokens[at..].iter().cloned().collect())
}

/// An error at the end of what was read points at its last token: the end itself is nowhere.
fn ended_early(error: syn::Error, ahead: ParseStream, last: Option<&TokenTree>) -> syn::Error {
    if ahead.is_empty() { end_of(error, last) } else { error }
}

fn end_of(error: syn::Error, last: Option<&TokenTree>) -> syn::Error {
    let message = error.to_string();
    match (message.strip_prefix("unexpected end of input, "), last) {
        (Some(message), Some(last)) => syn::Error::new(end_span(last), format!("unfinished: {message}")),
        _ => error,
    }
}

fn end_span(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    }
}
