//! The sequential form is the declared form with a forward pass that applies the fields in order.

use super::super::ast::{
    Block, Declared, Field, FieldValue, Form, Forward, Item, LayerCall, Loop, Model, Pattern, Shape, Shapes,
    Statement, Value,
};
use super::super::errors::Errors;
use proc_macro2::Span;
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Expr, Ident};

/// The model in declared form.
pub(in super::super) fn desugar(model: Model, errors: &mut Errors) -> Declared {
    let Model { attrs, vis, name, generics, form } = model;
    let is_sequential = matches!(form, Form::Sequential { .. });
    let (fields, forward) = match form {
        Form::Declared { fields, forward } => (fields, *forward),
        Form::Sequential { input, output, items } => {
            let (fields, forward) = in_order(&name, input, output, items, errors);
            (fields, Some(forward))
        }
    };
    Declared { attrs, vis, name, generics, fields, forward, is_sequential }
}

/// Fields for the layers, and a forward pass that applies one after the other.
fn in_order(
    model: &Ident,
    input: Shape,
    output: Shape,
    items: Vec<Item>,
    errors: &mut Errors,
) -> (Vec<Field>, Forward) {
    let x = |span: Span| Ident::new("input", span);
    let mut fields = Vec::new();
    let mut statements = Vec::new();
    for (position, item) in items.into_iter().enumerate() {
        let Item { attrs, name, value } = item;
        let span = match &value {
            FieldValue::Layer(call) | FieldValue::Layers(call, _) if is_tensor(call) => {
                errors.at(
                    &call.path,
                    "a parameter is no layer: a model with its own parameters needs a `forward`",
                );
                continue;
            }
            FieldValue::Layer(call) | FieldValue::Layers(call, _) => call.path.span(),
            FieldValue::Optional(..) => {
                errors.at(model, "layers in order are always there: an `Option` needs a `forward`");
                continue;
            }
            FieldValue::Broken(path) => path.as_ref().map_or_else(|| model.span(), |path| path.span()),
            FieldValue::Submodel(ty) | FieldValue::Submodels(ty, _) => {
                errors.at(ty, "the sequential form cannot know the shape that a submodel gives: write a `forward` and state it, as in `let h: [batch, D] = block(x);`");
                continue;
            }
        };
        // PyTorch numbers the layers of a Sequential; a field of Rust cannot be called `1`.
        let is_anonymous = name.is_none();
        let name = name.unwrap_or_else(|| format_ident!("layer{position}", span = span));
        let (before, after) = (x(span), x(span));
        let pattern = Pattern::Name(after);
        if matches!(value, FieldValue::Layers(..)) {
            let each: Expr = syn::parse_quote_spanned!(span=> each(#before));
            let apply = Statement::Assign { pattern, value: Value::Expr(each) };
            let over = syn::parse_quote_spanned!(span=> #name);
            let body = Block { statements: vec![apply], tail: None, span };
            statements.push(Statement::For(Loop {
                index: None,
                variable: Ident::new("each", span),
                over,
                body,
            }));
        } else {
            let apply: Expr = syn::parse_quote_spanned!(span=> #name(#before));
            statements.push(Statement::Assign { pattern, value: Value::Expr(apply) });
        }
        fields.push(Field { attrs, vis: None, name, is_anonymous, value });
    }
    let end = output.span;
    let result = x(end);
    let tail = syn::parse2(quote!(#result)).ok().map(Value::Expr);
    let body = Block { statements, tail, span: end };
    let forward = Forward {
        attrs: Vec::new(),
        span: model.span(),
        inputs: vec![(Pattern::Name(x(model.span())), Shapes::One(input))],
        outputs: Shapes::One(output),
        body: Some(body),
    };
    (fields, forward)
}

fn is_tensor(call: &LayerCall) -> bool {
    call.path
        .get_ident()
        .is_some_and(|name| ["Param", "Parameter", "Buffer"].iter().any(|known| name == known))
}
