//! Syntax. A mistake in a field or a statement is reported and skipped, so that the rest is still seen.

mod body;
mod brackets;
mod expr;
mod fields;
mod forward;
mod python;
mod sequential;
mod shapes;

pub(super) use sequential::desugar;

use super::ast::{Form, Model, Shape};
use super::errors::Errors;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use shapes::shape;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Generics, Ident, Token, Visibility, braced, token};

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
    let Opened { tokens, inside, after, .. } = open(input);
    let parsed = (|input: ParseStream| head(input, errors)).parse2(tokens);
    let head = match parsed {
        Ok(head) => head.filled(inside, after),
        Err(error) => {
            errors.push(end_of(error, last.as_ref()));
            return (None, TokenStream::new());
        }
    };
    let Head { attrs, vis, name, generics, signature, content, rest } = head;
    let (has_fields, content) = (content.is_some(), content.unwrap_or_default());
    let (pass, rest) = split(rest);
    let form = match signature {
        Some((input, output)) => {
            let mut items = Vec::new();
            fields::list(content, errors, |stream, _| {
                items.push(fields::item(stream)?);
                Ok(())
            });
            if !pass.is_empty() {
                errors.at(
                    pass,
                    "the sequential form ends with its layers: its forward pass is to apply them in order",
                );
            }
            Form::Sequential { input, output, items }
        }
        None => {
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

/// Everything up to the braces, and what follows them.
struct Head {
    attrs: Vec<Attribute>,
    vis: Visibility,
    name: Ident,
    generics: Generics,
    signature: Option<(Shape, Shape)>,
    content: Option<TokenStream>,
    rest: TokenStream,
}

impl Head {
    /// The head of tokens whose braces have been emptied, with their inside and what follows them.
    fn filled(mut self, inside: Option<TokenStream>, after: TokenStream) -> Self {
        let Some(inside) = inside else { return self };
        match &mut self.content {
            Some(content) => *content = inside,
            // They are no braces of layers.
            None => {
                let mut tokens: Vec<TokenTree> = self.rest.into_iter().collect();
                if let Some(TokenTree::Group(last)) = tokens.last_mut() {
                    *last = with_inside(last, inside);
                }
                self.rest = tokens.into_iter().collect();
            }
        }
        self.rest.extend(after);
        self
    }
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

fn head(input: ParseStream, errors: &mut Errors) -> syn::Result<Head> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    if input.peek(Token![struct]) {
        errors.push(input.error("leave out `struct`: a model begins with its name, `pub Name { .. }`"));
        input.parse::<Token![struct]>()?;
    }
    python::class(input, errors)?;
    let name: Ident = input.parse()?;
    let mut generics: Generics = input.parse()?;
    python::base(input, errors)?;
    let signature = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        let from = shape(input)?;
        input.parse::<Token![->]>()?;
        Some((from, shape(input)?))
    } else {
        None
    };
    generics.where_clause = input.parse()?;
    if !input.peek(token::Brace) {
        errors.at(
            &name,
            format!("`{name}` has no layers: write them in braces, as in `{name} {{ fc: Linear(64, 10) }}`"),
        );
        return Ok(Head { attrs, vis, name, generics, signature, content: None, rest: input.parse()? });
    }
    let content;
    braced!(content in input);
    let (content, rest) = (Some(content.parse()?), input.parse()?);
    Ok(Head { attrs, vis, name, generics, signature, content, rest })
}

/// The forward pass that follows the fields, if one does, and what follows it: other models.
fn split(rest: TokenStream) -> (TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = rest.into_iter().collect();
    let is_brace =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let is_parenthesis = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
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
