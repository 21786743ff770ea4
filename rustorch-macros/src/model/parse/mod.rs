//! Syntax. A mistake in a field or a statement is reported and skipped, so that the rest is still seen.

mod body;
mod brackets;
mod sequential;

pub(super) use sequential::desugar;

use super::ast::{Arg, Field, FieldValue, Form, Forward, Item, LayerCall, Model, Pattern, Shape, Shapes};
use super::errors::Errors;
use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser, discouraged::Speculative};
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, Generics, Ident, Path, Token, Type, Visibility, braced, bracketed, parenthesized, token,
};

/// The model, or at least its name; `None` if not even that can be read.
pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> Option<Model> {
    let head = errors.take(Head::parse.parse2(input))?;
    let Head { attrs, vis, name, generics, signature, content, rest } = head;
    let form = match signature {
        Some((input, output)) => {
            let mut items = Vec::new();
            list(content, errors, |stream| {
                items.push(item(stream)?);
                Ok(())
            });
            if !rest.is_empty() {
                errors.at(
                    rest,
                    "the sequential form ends with its layers: its forward pass is to apply them in order",
                );
            }
            Form::Sequential { input, output, items }
        }
        None => {
            let mut fields = Vec::new();
            list(content, errors, |stream| {
                fields.push(field(stream)?);
                Ok(())
            });
            let forward = match rest.is_empty() {
                true => {
                    errors.at(&name, format!("`{name}` has no forward pass: write `forward(x: [batch, ..]) -> [batch, ..] {{ .. }}` after its fields"));
                    None
                }
                false => forward(rest, errors),
            };
            Form::Declared { fields, forward: Box::new(forward) }
        }
    };
    Some(Model { attrs, vis, name, generics, form })
}

/// Everything up to the braces, and what follows them.
struct Head {
    attrs: Vec<Attribute>,
    vis: Visibility,
    name: Ident,
    generics: Generics,
    signature: Option<(Shape, Shape)>,
    content: TokenStream,
    rest: TokenStream,
}

impl Parse for Head {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if input.peek(Token![struct]) {
            return Err(input.error("leave out `struct`: a model begins with its name, `pub Name { .. }`"));
        }
        let name: Ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let signature = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            let from = shape(input)?;
            input.parse::<Token![->]>()?;
            Some((from, shape(input)?))
        } else {
            None
        };
        generics.where_clause = input.parse()?;
        let content;
        braced!(content in input);
        Ok(Head { attrs, vis, name, generics, signature, content: content.parse()?, rest: input.parse()? })
    }
}

/// Parses entries separated by commas; after a mistake, goes on behind the next comma.
fn list(tokens: TokenStream, errors: &mut Errors, mut entry: impl FnMut(ParseStream) -> syn::Result<()>) {
    let all = |input: ParseStream| {
        while !input.is_empty() {
            let result = entry(input);
            let complete = result.is_ok();
            errors.take(result);
            if complete && !input.is_empty() && !input.peek(Token![,]) {
                errors.push(input.error("expected `,`"));
            }
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<proc_macro2::TokenTree>()?;
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    // The closure consumes everything and returns no error of its own.
    let result = all.parse2(tokens);
    errors.take(result);
}

fn field(input: ParseStream) -> syn::Result<Field> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = match input.parse()? {
        Visibility::Inherited => None,
        vis => Some(vis),
    };
    let name: Ident = input.parse()?;
    if !input.peek(Token![:]) {
        return Err(input.error(format!("expected `:` and a layer, as in `{name}: Linear(_, 128)`")));
    }
    input.parse::<Token![:]>()?;
    Ok(Field { attrs, vis, name, is_anonymous: false, value: field_value(input)? })
}

fn item(input: ParseStream) -> syn::Result<Item> {
    let attrs = input.call(Attribute::parse_outer)?;
    let named = input.peek(Ident) && input.peek2(Token![:]) && !input.peek2(Token![::]);
    let name = if named {
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        Some(name)
    } else {
        None
    };
    Ok(Item { attrs, name, value: field_value(input)? })
}

fn field_value(input: ParseStream) -> syn::Result<FieldValue> {
    if input.peek(token::Bracket) {
        let content;
        bracketed!(content in input);
        let value = single(&content)?;
        if !content.peek(Token![;]) {
            return Err(content.error("expected `;` and a number, as in `[Block<D>; LAYERS]`"));
        }
        content.parse::<Token![;]>()?;
        let len: Expr = content.parse()?;
        return Ok(match value {
            FieldValue::Layer(call) if call.called || is_layer(&call) => FieldValue::Layers(call, len),
            FieldValue::Layer(call) => {
                let path = call.path;
                FieldValue::Submodels(syn::parse_quote!(#path), len)
            }
            FieldValue::Submodel(ty) => FieldValue::Submodels(ty, len),
            _ => return Err(content.error("an array holds layers or models: `[Block<D>; LAYERS]`")),
        });
    }
    single(input)
}

/// Whether a bare name is one of the table.
fn is_layer(call: &LayerCall) -> bool {
    call.path.get_ident().is_some_and(|name| rustorch_shape::layers::find(&name.to_string()).is_some())
}

fn single(input: ParseStream) -> syn::Result<FieldValue> {
    let ahead = input.fork();
    let path = ahead.call(Path::parse_mod_style)?;
    if path.is_ident("Option") && ahead.peek(Token![<]) {
        input.advance_to(&ahead);
        return optional(input);
    }
    if ahead.peek(Token![<]) {
        return Ok(FieldValue::Submodel(input.parse::<Type>()?));
    }
    input.advance_to(&ahead);
    Ok(FieldValue::Layer(layer_call(input, path)?))
}

fn layer_call(input: ParseStream, path: Path) -> syn::Result<LayerCall> {
    if !input.peek(token::Paren) {
        return Ok(LayerCall { path, args: Vec::new(), called: false });
    }
    let content;
    parenthesized!(content in input);
    let args = content.parse_terminated(arg, Token![,])?.into_iter().collect();
    Ok(LayerCall { path, args, called: true })
}

/// `Option<Conv2d>(64, 128, kernel = 1) if IN != OUT`, after the name.
fn optional(input: ParseStream) -> syn::Result<FieldValue> {
    input.parse::<Token![<]>()?;
    let mut value = single(input)?;
    input.parse::<Token![>]>()?;
    if input.peek(token::Paren) {
        let FieldValue::Layer(LayerCall { path, called: false, .. }) = value else {
            return Err(input.error("only a layer takes arguments: `Option<Conv2d>(3, 16, kernel = 3)`"));
        };
        value = FieldValue::Layer(layer_call(input, path)?);
    }
    if matches!(value, FieldValue::Optional(..)) {
        return Err(input.error("one `Option` is enough"));
    }
    let condition = if input.peek(Token![if]) {
        input.parse::<Token![if]>()?;
        Some(input.parse()?)
    } else {
        None
    };
    Ok(FieldValue::Optional(Box::new(value), condition))
}

fn arg(input: ParseStream) -> syn::Result<Arg> {
    let named = input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
    let name = if named {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    Ok(Arg { name, value: input.parse()? })
}

/// `[batch, 1, 28, 28]`
pub(super) fn shape(input: ParseStream) -> syn::Result<Shape> {
    if !input.peek(token::Bracket) {
        return Err(input.error("expected a shape in brackets, as in `[batch, 784]`"));
    }
    let content;
    let bracket = bracketed!(content in input);
    let dims = content.parse_terminated(Expr::parse, Token![,])?.into_iter().collect();
    Ok(Shape { dims, span: bracket.span.join() })
}

/// A shape, or a tuple of them.
pub(super) fn shapes(input: ParseStream) -> syn::Result<Shapes> {
    if input.peek(token::Paren) {
        let content;
        let paren = parenthesized!(content in input);
        let parts = content.parse_terminated(shapes, Token![,])?.into_iter().collect();
        return Ok(Shapes::Tuple(parts, paren.span.join()));
    }
    shape(input).map(Shapes::One)
}

/// A name or a tuple of patterns.
pub(super) fn pattern(input: ParseStream) -> syn::Result<Pattern> {
    if input.peek(token::Paren) {
        let content;
        let paren = parenthesized!(content in input);
        let parts = content.parse_terminated(pattern, Token![,])?.into_iter().collect();
        return Ok(Pattern::Tuple(parts, paren.span.join()));
    }
    if input.peek(Token![_]) {
        let underscore: Token![_] = input.parse()?;
        return Ok(Pattern::Name(Ident::new("_", underscore.span)));
    }
    input.parse::<Option<Token![mut]>>()?;
    input.parse().map(Pattern::Name)
}

fn forward(tokens: TokenStream, errors: &mut Errors) -> Option<Forward> {
    let mut body = None;
    let signature = |input: ParseStream| {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        if !matches!(vis, Visibility::Inherited) || input.peek(Token![fn]) {
            return Err(syn::Error::new(
                if input.peek(Token![fn]) { input.span() } else { vis.span() },
                "write `forward(x: [batch, ..]) -> [batch, ..] { .. }`: it is always public, and not a `fn` of Rust",
            ));
        }
        let name: Ident = input.parse()?;
        if name != "forward" {
            return Err(syn::Error::new(
                name.span(),
                format!("expected `forward`, found `{name}`: a model has one pass, called `forward`"),
            ));
        }
        let inputs = inputs(input)?;
        if !input.peek(Token![->]) {
            return Err(input.error("expected `->` and the shape of the output, as in `-> [batch, 10]`"));
        }
        input.parse::<Token![->]>()?;
        let outputs = shapes(input)?;
        let content;
        let brace = braced!(content in input);
        body = Some((content.parse::<TokenStream>()?, brace.span.join()));
        if !input.is_empty() {
            return Err(input.error("nothing may follow the forward pass"));
        }
        Ok(Forward { attrs, span: name.span(), inputs, outputs, body: None })
    };
    let parsed = signature.parse2(tokens);
    let mut forward = errors.take(parsed)?;
    let (tokens, span) = body?;
    forward.body = body::block(brackets::tuples(tokens), span, errors);
    Some(forward)
}

fn inputs(input: ParseStream) -> syn::Result<Vec<(Pattern, Shapes)>> {
    let content;
    let paren = parenthesized!(content in input);
    let one = |input: ParseStream| {
        if input.peek(Token![&]) || input.peek(Token![self]) {
            return Err(input.error("leave out `self`: the layers are in scope by their names"));
        }
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
    };
    let inputs: Vec<(Pattern, Shapes)> = content.parse_terminated(one, Token![,])?.into_iter().collect();
    if inputs.is_empty() {
        return Err(syn::Error::new(paren.span.join(), "a model needs an input, as in `x: [batch, 784]`"));
    }
    Ok(inputs)
}
