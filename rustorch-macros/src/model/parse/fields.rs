//! The fields of a model, and the layers of the sequential form.

use super::super::ast::{Arg, Field, FieldValue, Item, LayerCall};
use super::super::errors::{Errors, source};
use super::{ended_early, expr::expr, python};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser, discouraged::Speculative};
use syn::{Attribute, Expr, Ident, Path, Token, Type, Visibility, bracketed, parenthesized, token};

/// Parses entries separated by commas; after a mistake, goes on behind the next comma.
pub(super) fn list(
    tokens: TokenStream,
    errors: &mut Errors,
    mut entry: impl FnMut(ParseStream, &mut Errors) -> syn::Result<()>,
) {
    let mut separators = false;
    let last = tokens.clone().into_iter().last();
    let all = |input: ParseStream| {
        while !input.is_empty() {
            // What a failed attempt leaves unread inside of parentheses is no mistake of its own.
            let ahead = input.fork();
            match entry(&ahead, errors) {
                Ok(()) => input.advance_to(&ahead),
                Err(error) => {
                    errors.push(ended_early(error, &ahead, last.as_ref()));
                    while !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![;]) {
                        input.parse::<TokenTree>()?;
                    }
                }
            }
            if input.peek(Token![;]) {
                if !std::mem::replace(&mut separators, true) {
                    errors.push(input.error("layers are separated by `,`, not by `;`"));
                }
                input.parse::<Token![;]>()?;
            } else if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
            } else if !input.is_empty() {
                errors.push(input.error("expected `,` before this"));
                let starts_entry = input.peek(Ident) || input.peek(Token![#]) || input.peek(Token![pub]);
                while !starts_entry && !input.is_empty() && !input.peek(Token![,]) {
                    input.parse::<TokenTree>()?;
                }
                input.parse::<Option<Token![,]>>()?;
            }
        }
        Ok(())
    };
    // The closure consumes everything and returns no error of its own.
    let result = all.parse2(tokens);
    errors.take(result);
}

/// A field; one whose name alone can be read is there as well, so that its uses are no mistakes.
pub(super) fn field(input: ParseStream, fields: &mut Vec<Field>, errors: &mut Errors) -> syn::Result<()> {
    if let Err(error) = python::comment(input) {
        // Where the comment ends cannot be seen: what follows it may be a field, whose uses are no mistakes.
        fields.extend(python::commented_field(input).map(|name| Field {
            attrs: Vec::new(),
            vis: None,
            name,
            is_anonymous: false,
            value: FieldValue::Broken(None),
        }));
        return Err(error);
    }
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = match input.parse()? {
        Visibility::Inherited => None,
        vis => Some(vis),
    };
    let has_prefix = python::own_prefix(input, errors)?;
    let name: Ident = input.parse()?;
    let mut value = FieldValue::Broken(None);
    let result = if input.peek(Token![:]) || (input.peek(Token![=]) && !input.peek(Token![==])) {
        if input.peek(Token![=]) && !has_prefix {
            errors.push(input.error(format!("a field has `:` before its layer: `{name}: Linear(_, 128)`")));
        }
        input.parse::<TokenTree>()?;
        value = FieldValue::Broken(input.fork().call(Path::parse_mod_style).ok());
        let parsed = field_value(input);
        parsed.and_then(|parsed| python::behind_layer(&parsed, input).map(|()| value = parsed))
    } else if rustorch_shape::layers::find(&name.to_string()).is_some() {
        return Err(syn::Error::new(
            name.span(),
            format!(
                "a layer needs a name here, as in `layer: {name}(..)`: the forward pass calls it by that"
            ),
        ));
    } else {
        Err(input.error(format!("expected `:` and a layer, as in `{name}: Linear(_, 128)`")))
    };
    fields.push(Field { attrs, vis, name, is_anonymous: false, value });
    result
}

/// A layer of the sequential form, with a name or without; one that cannot be read is there as well.
pub(super) fn item(input: ParseStream, items: &mut Vec<Item>) -> syn::Result<()> {
    python::comment(input)?;
    let attrs = input.call(Attribute::parse_outer)?;
    let named = input.peek(Ident) && input.peek2(Token![:]) && !input.peek2(Token![::]);
    let name = if named {
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        Some(name)
    } else {
        None
    };
    let mut value = FieldValue::Broken(input.fork().call(Path::parse_mod_style).ok());
    let result = field_value(input).map(|parsed| value = parsed);
    items.push(Item { attrs, name, value });
    result
}

fn field_value(input: ParseStream) -> syn::Result<FieldValue> {
    if input.peek(token::Bracket) {
        let content;
        let bracket = bracketed!(content in input);
        let value = single(&content)?;
        if content.peek(Token![,]) {
            return Err(content.error("an array holds layers of one kind, `[Linear(D, D); 4]`: give others a field each, or make a model of its own of them, `Name: [batch, 784] -> [batch, D] { Linear(128), ReLU, Linear(D) }`"));
        }
        if !content.peek(Token![;]) {
            const MESSAGE: &str = "expected `;` and a number, as in `[Block<D>; LAYERS]`";
            return Err(match content.is_empty() {
                true => syn::Error::new(bracket.span.close(), MESSAGE),
                false => content.error(MESSAGE),
            });
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
    if !input.peek(Ident)
        && !input.peek(Token![::])
        && !input.peek(Token![crate])
        && !input.peek(Token![super])
        && !input.peek(Token![self])
    {
        return Err(python::no_layer(input));
    }
    let ahead = input.fork();
    let path = ahead.call(Path::parse_mod_style)?;
    if path.is_ident("Option") && ahead.peek(Token![<]) {
        input.advance_to(&ahead);
        return optional(input);
    }
    python::module_prefix(&path, &ahead)?;
    if path.is_ident("Vec") {
        let message = "a list of layers or models is an array: `[Block<D>; LAYERS]`, `[Linear(D, D); 4]`";
        return Err(syn::Error::new_spanned(path, message));
    }
    if ahead.peek(Token![<]) {
        let whole = input.fork();
        if let Ok(ty) = whole.parse::<Type>() {
            input.advance_to(&whole);
            return Ok(FieldValue::Submodel(ty));
        }
        input.advance_to(&ahead);
        return computed(input, path).map(FieldValue::Submodel);
    }
    input.advance_to(&ahead);
    Ok(FieldValue::Layer(layer_call(input, path)?))
}

/// `Block<2 * D>`, where Rust wants braces around the size: whether it can be computed is seen later.
fn computed(input: ParseStream, path: Path) -> syn::Result<Type> {
    let open: Token![<] = input.parse()?;
    let (mut arguments, mut depth) = (vec![TokenStream::new()], 1_usize);
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth -= 1,
                ',' if depth == 1 => {
                    arguments.push(TokenStream::new());
                    continue;
                }
                _ => {}
            }
        }
        if depth == 0 {
            arguments.retain(|argument| !argument.is_empty());
            let braced = arguments.into_iter().map(|argument| {
                let span = argument.clone().into_iter().next().map_or(open.span, |token| token.span());
                let mut braces = Group::new(Delimiter::Brace, argument);
                braces.set_span(span);
                braces
            });
            return syn::parse2(quote::quote!(#path<#(#braced),*>));
        }
        arguments.last_mut().into_iter().for_each(|argument| argument.extend([token.clone()]));
    }
    Err(syn::Error::new(open.span, format!("the parameters of `{}` end with `>`", source(&path))))
}

fn layer_call(input: ParseStream, path: Path) -> syn::Result<LayerCall> {
    if input.peek(token::Bracket) || input.peek(token::Brace) {
        let name = source(&path);
        return Err(input.error(format!("the arguments of a layer stand in parentheses: `{name}(..)`")));
    }
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
    if input.peek(Ident) && input.peek2(Token![:]) && !input.peek2(Token![::]) {
        let name: Ident = input.parse()?;
        return Err(input.error(format!("an option is written with `=`: `{name} = ..`")));
    }
    let name = if named {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            let message = format!("`{name}` has no value: write `{name} = ..`, or leave it out");
            return Err(syn::Error::new(name.span(), message));
        }
        Some(name)
    } else {
        None
    };
    Ok(Arg { name, value: expr(input)? })
}
