//! From syntax to meaning: fields to layers of the table, names to tensors, expressions to sizes.

mod args;
mod body;
mod branch;
mod calls;
mod expr;
mod functions;
mod index;
mod layer_call;
mod loops;
mod names;
mod numbers;
mod operators;
mod own;
mod pattern;
mod scope;
mod size;
mod unused;
mod value;
mod written;

use super::ast::{self, FieldValue, Pattern, Shapes};
use super::codegen::OWN;
use super::errors::{Errors, place_of, source};
use super::ir::{Dim, Field, FieldKind, Forward, Input, Layer, Model, Output, Presence, Shape, Tree};
use proc_macro2::Span;
use quote::ToTokens;
use rustorch_shape::{Poly, layers, suggest};
use size::Sizes;
use std::collections::BTreeMap;
use syn::Generics;
use syn::spanned::Spanned;

/// Names that the generated struct or its methods need.
const RESERVED: [&str; 2] = ["training", "compiled"];

/// The model with its names resolved.
pub(super) fn resolve(model: &ast::Declared, errors: &mut Errors) -> Model {
    check_generics(&model.generics, errors);
    let constants = Sizes::constants(&model.generics);
    let fields = resolve_fields(&model.fields, &constants, errors);
    let forward = model
        .forward
        .as_ref()
        .map(|forward| resolve_forward(forward, &fields, &constants, model.is_sequential, errors));
    Model {
        attrs: model.attrs.clone(),
        vis: model.vis.clone(),
        name: model.name.clone(),
        generics: const_generics(&model.generics),
        fields,
        forward,
        constants: constants.take_constants(),
    }
}

fn check_generics(generics: &Generics, errors: &mut Errors) {
    let mut names = std::collections::BTreeSet::new();
    for param in &generics.params {
        match param {
            syn::GenericParam::Const(param) if !names.insert(param.ident.to_string()) => {
                errors.at(&param.ident, format!("there are two const parameters called `{}`", param.ident));
            }
            syn::GenericParam::Const(_) => {}
            syn::GenericParam::Type(ty) => {
                errors.at(ty, "a model has const parameters only, as in `const D: usize`")
            }
            syn::GenericParam::Lifetime(lifetime) => {
                errors.at(lifetime, "a model owns its layers: leave out the lifetime");
            }
        }
    }
}

/// The parameters that a model may have; the others have been reported.
fn const_generics(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    let mut names = std::collections::BTreeSet::new();
    let is_kept = |param: &syn::GenericParam| match param {
        syn::GenericParam::Const(param) => names.insert(param.ident.to_string()),
        _ => false,
    };
    generics.params = generics.params.into_iter().filter(is_kept).collect();
    generics
}

/// Reports arithmetic over const parameters in those of another model, `Block<{ 2 * D }>`; whether there is any.
fn computes(ty: &syn::Type, label: &str, constants: &Sizes, errors: &mut Errors) -> bool {
    let syn::Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    let mut any = false;
    for argument in &arguments.args {
        let syn::GenericArgument::Const(expr) = argument else { continue };
        let inner = match expr {
            syn::Expr::Block(block) => match &block.block.stmts[..] {
                [syn::Stmt::Expr(inner, None)] => inner,
                _ => expr,
            },
            other => other,
        };
        if matches!(inner, syn::Expr::Path(_) | syn::Expr::Lit(_)) || !constants.mentions_params(inner) {
            continue;
        }
        let (formula, model) = (source(inner), &last.ident);
        errors.at(
            inner,
            format!(
                "`{label}`: stable Rust has no arithmetic with const parameters here; add one that is to be `{formula}`, as in \
                 `const WIDE: usize`, and write `{model}<WIDE>`: where the sizes meet, it is compared with `{formula}`"
            ),
        );
        any = true;
    }
    any
}

/// Whether an array's length is computed from const parameters, which stable Rust does not do.
fn computes_length(value: &FieldValue, label: &str, constants: &Sizes, errors: &mut Errors) -> bool {
    let (FieldValue::Layers(_, len) | FieldValue::Submodels(_, len)) = value else { return false };
    if matches!(len, syn::Expr::Path(_) | syn::Expr::Lit(_)) || !constants.mentions_params(len) {
        return false;
    }
    let formula = source(len);
    let message = format!(
        "`{label}`: stable Rust has no arithmetic with const parameters here; add one that is to be `{formula}`, as in \
         `const MORE: usize`, and write `[..; MORE]`"
    );
    errors.at(len, message);
    true
}

fn resolve_fields(fields: &[ast::Field], constants: &Sizes, errors: &mut Errors) -> Vec<Field> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut keys = BTreeMap::new();
    let mut resolved: Vec<Field> = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        let name = field.name.to_string();
        if names.insert(name.clone(), resolved.len()).is_some() {
            errors.at(
                &field.name,
                format!("there are two fields called `{name}`: every layer needs its own name"),
            );
            continue;
        }
        if RESERVED.contains(&name.as_str()) {
            errors.at(&field.name, format!("`{name}` is a field of every model: choose another name"));
            continue;
        }
        let label = match &field.value {
            FieldValue::Layer(call) | FieldValue::Layers(call, _) if field.is_anonymous => source(&call.path),
            _ => name.clone(),
        };
        let (value, presence) = match &field.value {
            FieldValue::Optional(value, condition) => {
                let condition = condition.as_ref().map(|condition| {
                    errors.take(constants.condition(condition));
                    condition.to_token_stream()
                });
                (&**value, Presence::Optional(condition))
            }
            value => (value, Presence::Always),
        };
        let kind = match value {
            value if computes_length(value, &label, constants, errors) => FieldKind::Broken(None),
            FieldValue::Layer(call) => resolve_layer(call, &label, constants, errors),
            FieldValue::Layers(call, len) => match resolve_layer(call, &label, constants, errors) {
                FieldKind::Layer(layer) => FieldKind::Layers(layer, len.clone()),
                FieldKind::Tensor(_) => {
                    errors.at(
                        &call.path,
                        "an array of tensors is one tensor with one more axis: `Param([N, D])`",
                    );
                    FieldKind::Broken(None)
                }
                other => other,
            },
            FieldValue::Submodel(ty) | FieldValue::Submodels(ty, _)
                if computes(ty, &label, constants, errors) =>
            {
                FieldKind::Broken(None)
            }
            FieldValue::Submodel(ty) => FieldKind::Submodel(ty.clone()),
            FieldValue::Submodels(ty, len) => FieldKind::Submodels(ty.clone(), len.clone()),
            FieldValue::Optional(..) => FieldKind::Broken(None),
            FieldValue::Broken(path) => {
                let name = path.as_ref().and_then(|path| path.segments.last());
                FieldKind::Broken(name.and_then(|name| layers::find(&name.ident.to_string())))
            }
        };
        if let (FieldKind::Tensor(_), Presence::Optional(_)) = (&kind, &presence) {
            errors.at(&field.name, "a parameter is always there; an `Option` is for layers and models");
        }
        let key = names::key(field, position, &kind, &mut keys, errors);
        resolved.push(Field {
            attrs: names::other_attributes(&field.attrs),
            vis: field.vis.clone(),
            name: field.name.clone(),
            label,
            key,
            kind,
            presence,
        });
    }
    resolved
}

fn resolve_layer(call: &ast::LayerCall, field: &str, constants: &Sizes, errors: &mut Errors) -> FieldKind {
    let Some(last) = call.path.segments.last() else { return FieldKind::Broken(None) };
    let name = last.ident.to_string();
    if let Some(layer) = constructed(call) {
        let message =
            format!("`{field}`: leave out `::{name}`: a layer is declared here, as in `{layer}(..)`");
        errors.at(&call.path, message);
        return FieldKind::Broken(layers::find(&layer));
    }
    if let Some(is_buffer) = own::is_buffer(&name) {
        return own::tensor(is_buffer, call, field, constants, errors).unwrap_or(FieldKind::Broken(None));
    }
    let Some(spec) = layers::find(&name) else {
        let meant = suggest(&name, layers::LAYERS.iter().map(|layer| layer.name));
        // A bare name that is no layer is a model, unless it only looks misspelt.
        if !call.called && ["Tensor", "Parameter", "TypedTensor"].contains(&name.as_str()) {
            let message = format!(
                "`{field}`: a tensor of the model states its shape: `Param([D])` if it is trained, `Buffer([D])` if not"
            );
            errors.at(&call.path, message);
            return FieldKind::Broken(None);
        }
        if !call.called && !meant.is_some_and(|meant| meant.eq_ignore_ascii_case(&name)) {
            let path = &call.path;
            return FieldKind::Submodel(syn::parse_quote!(#path));
        }
        let elsewhere = match name.as_str() {
            "Dense" | "FullyConnected" | "Fc" => Some("Linear"),
            "Conv" | "Convolution2D" => Some("Conv2d"),
            "BatchNorm" | "BatchNormalization" => Some("BatchNorm2d"),
            "LayerNormalization" => Some("LayerNorm"),
            "MaxPooling2D" => Some("MaxPool2d"),
            "AveragePooling2D" => Some("AvgPool2d"),
            "SelfAttention" | "Attention" => Some("MultiheadAttention"),
            _ => None,
        };
        let hint = match elsewhere.or(meant) {
            _ if name == "Sequential" => "\ngive each layer a field, or make a model of its own of them: `Name: [batch, 784] -> [batch, D] { Linear(128), ReLU, Linear(D) }`".into(),
            _ if ["ModuleList", "ModuleDict", "Vec"].contains(&name.as_str()) => "\nlayers or models of one kind are an array: `[Block<D>; LAYERS]`, `[Linear(D, D); 4]`".into(),
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => "\na model of your own is named without parentheses, as in `block: Block<D, 4>`".into(),
        };
        errors.at(&call.path, format!("`{field}`: there is no layer `{name}`{hint}"));
        return FieldKind::Broken(None);
    };
    match args::layer(spec, call, field, constants, errors) {
        Some(call_args) => FieldKind::Layer(Layer { spec, call: call_args, span: place_of(&call.path) }),
        None => FieldKind::Broken(Some(spec)),
    }
}

/// The layer of `Linear::new(..)`.
fn constructed(call: &ast::LayerCall) -> Option<String> {
    let mut last = call.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let (method, layer) = (last.next()?, last.next()?);
    (["new", "builder", "default"].contains(&method.as_str())).then_some(layer)
}

fn resolve_forward(
    forward: &ast::Forward,
    fields: &[Field],
    constants: &Sizes,
    is_sequential: bool,
    errors: &mut Errors,
) -> Forward {
    let mut dims = Vec::new();
    let mut inputs: Vec<Input> = Vec::new();
    let mut written: Vec<&ast::Shape> = Vec::new();
    let mut arguments = Vec::new();
    for (pattern, shapes) in &forward.inputs {
        arguments.push(tree_of(shapes));
        for (mut name, shape) in leaves(pattern, shapes, errors) {
            refuse_own_name(&name.to_string(), name.span(), errors);
            let mut resolved = input_shape(shape, inputs.len(), constants, &mut dims, errors);
            if inputs.iter().any(|input| input.name == name) {
                errors.at(&name, format!("there are two inputs called `{name}`"));
                name = quote::format_ident!("{name}_{}", inputs.len(), span = name.span());
                resolved = None;
            }
            inputs.push(Input { name, shape: resolved });
            written.push(shape);
        }
    }
    let is_unclear = |shape: &&ast::Shape| shape.mistake.as_ref().is_some_and(|mistake| !mistake.is_clear);
    let is_lenient = written.iter().any(is_unclear);
    let mut sizes = constants.with_dims(dims.iter().map(|dim: &Dim| dim.name.clone()), is_lenient);
    for (input, shape) in inputs.iter_mut().zip(written) {
        // A dim inside a formula, `2 * seq`, must stand alone somewhere.
        input.shape = input.shape.take().and_then(|_| sizes.shape_of_input(shape, errors));
    }
    // One that does not has been reported: what depends on it is left alone.
    let is_lenient = is_lenient || inputs.iter().any(|input| input.shape.is_none());
    sizes = constants.with_dims(dims.iter().map(|dim| dim.name.clone()), is_lenient);
    let mut outputs = Vec::new();
    for shape in forward.outputs.flat() {
        outputs.push(Output { shape: sizes.shape(shape, errors) });
    }
    // Shapes that the stub could not name either.
    let is_known = |shape: &Shape| {
        shape.iter().all(|size| {
            size.dims().iter().all(|name| dims.iter().any(|dim| dim.name == *name))
                && !size.params().iter().any(|name| sizes.is_reported(name))
        })
    };
    inputs.iter_mut().for_each(|input| input.shape = input.shape.take().filter(is_known));
    outputs.iter_mut().for_each(|output| output.shape = output.shape.take().filter(is_known));
    let result = tree_of(&forward.outputs);
    let body = forward.body.as_ref().map(|block| {
        body::resolve(block, &forward.inputs, (&outputs, &result), fields, &sizes, is_sequential, errors)
    });
    Forward {
        attrs: forward.attrs.clone(),
        span: forward.span,
        inputs,
        arguments,
        outputs,
        is_tuple: matches!(result, Tree::Tuple(_)),
        result,
        unused: if is_sequential { Vec::new() } else { unused::names(forward) },
        body,
        dims,
    }
}

/// Reports a name that the variables of generated code might have.
fn refuse_own_name(name: &str, span: Span, errors: &mut Errors) {
    if name.starts_with(OWN) {
        let message =
            format!("`{name}`: names that begin with two underscores are kept for what the macro writes");
        errors.span(span, message);
    }
}

/// How shapes are grouped.
fn tree_of(shapes: &Shapes) -> Tree {
    match shapes {
        Shapes::One(_) => Tree::One,
        Shapes::Tuple(parts, _) => Tree::Tuple(parts.iter().map(tree_of).collect()),
    }
}

/// The tensors of an argument, in the order of its shapes, each with a name.
fn leaves<'s>(
    pattern: &Pattern,
    shapes: &'s Shapes,
    errors: &mut Errors,
) -> Vec<(syn::Ident, &'s ast::Shape)> {
    match (pattern, shapes) {
        (Pattern::Tuple(patterns, span), Shapes::Tuple(parts, _)) => {
            if patterns.len() != parts.len() {
                let message = format!("there are {} names for {} shapes", patterns.len(), parts.len());
                errors.span(*span, message);
            }
            patterns.iter().zip(parts).flat_map(|(pattern, part)| leaves(pattern, part, errors)).collect()
        }
        (Pattern::Name(name), Shapes::Tuple(parts, _)) => {
            let part = |(position, part): (usize, &'s Shapes)| {
                let name = quote::format_ident!("{name}_{position}", span = name.span());
                leaves(&Pattern::Name(name), part, errors)
            };
            parts.iter().enumerate().flat_map(part).collect()
        }
        (Pattern::Name(name), Shapes::One(shape)) => vec![(name.clone(), shape)],
        (Pattern::Tuple(_, span), Shapes::One(_)) => {
            errors.span(*span, "several names need several shapes, as in `(h, c): ([batch, D], [batch, D])`");
            Vec::new()
        }
    }
}

/// Collects the run-time dims of an input.
fn input_shape(
    shape: &ast::Shape,
    input: usize,
    constants: &Sizes,
    dims: &mut Vec<Dim>,
    errors: &mut Errors,
) -> Option<Shape> {
    const MOST: usize = 8;
    if shape.dims.len() > MOST {
        errors.span(
            shape.span,
            format!("this shape has {} axes, and tensors here have at most {MOST}", shape.dims.len()),
        );
        return None;
    }
    for (axis, dim) in shape.dims.iter().enumerate() {
        let Some(name) = size::plain_name(dim).filter(|name| constants.is_dim_name(name)) else { continue };
        if !dims.iter().any(|known| known.name == name) {
            refuse_own_name(&name, dim.span(), errors);
            dims.push(Dim { name, span: dim.span(), input, axis });
        }
    }
    Some(vec![Poly::default(); shape.dims.len()])
}
