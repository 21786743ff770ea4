//! `scale: Param([D], init = ones)`, `mask: Buffer([N, N])`: tensors of the model itself.

use super::super::ast::LayerCall;
use super::super::errors::{Errors, source};
use super::super::ir::{FieldKind, Init, OwnTensor};
use super::args::quoted;
use super::size::Sizes;
use super::written::{as_float, elements};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use rustorch_shape::{Dims, suggest};
use syn::{Expr, Lit, UnOp};

/// The functions of `nn::init` that a first value may name, and the numbers that each takes; of one with fewer numbers the
/// defaults stand in front.
const INITS: &[(&str, &[&str])] = &[
    ("zeros", &[]),
    ("ones", &[]),
    ("eye", &[]),
    ("constant", &["value"]),
    ("normal", &["mean", "std"]),
    ("uniform", &["low", "high"]),
    ("trunc_normal", &["mean", "std", "low", "high"]),
    ("xavier_uniform", &["gain"]),
    ("xavier_normal", &["gain"]),
    ("kaiming_uniform", &[]),
    ("kaiming_normal", &[]),
    ("orthogonal", &["gain"]),
];

/// Those that need the fans of a matrix, or its rows.
const OF_MATRICES: [&str; 5] =
    ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"];

/// Whether this names a parameter (`false`) or a buffer (`true`).
pub(super) fn is_buffer(name: &str) -> Option<bool> {
    match name {
        "Param" | "Parameter" => Some(false),
        "Buffer" => Some(true),
        _ => None,
    }
}

/// The tensor; `None` after a mistake, which is reported.
pub(super) fn tensor(
    is_buffer: bool,
    call: &LayerCall,
    field: &str,
    constants: &Sizes,
    errors: &mut Errors,
) -> Option<FieldKind> {
    let kind = if is_buffer { "Buffer" } else { "Param" };
    let (mut shape, mut init) = (None, None);
    for arg in &call.args {
        match &arg.name {
            None if shape.is_none() => shape = Some(&arg.value),
            Some(name) if name == "init" && init.is_none() => init = Some(&arg.value),
            name => {
                let text = name.as_ref().map_or_else(|| source(&arg.value), ToString::to_string);
                let known = INITS.iter().any(|(known, _)| text.split('(').next() == Some(known));
                let hint = match suggest(&text, ["init"]) {
                    Some(_) => "; did you mean `init`?".to_string(),
                    None if known => format!("; write `init = {text}`"),
                    None => String::new(),
                };
                errors.at(
                    &arg.value,
                    format!("`{field}`: {kind} takes a shape and `init`, not `{text}`{hint}"),
                );
                return None;
            }
        }
    }
    let Some(dims) = shape.and_then(elements) else {
        let at = shape.map_or_else(|| call.path.to_token_stream(), ToTokens::to_token_stream);
        errors.at(at, format!("`{field}`: {kind} needs a shape in brackets, as in `{kind}([64, D])`"));
        return None;
    };
    let sizes: Vec<Option<_>> = dims.into_iter().map(|dim| errors.take(constants.size(dim))).collect();
    let shape = sizes.into_iter().collect::<Option<Vec<_>>>()?;
    let init = match init {
        Some(expr) => {
            let init = first_value(expr, field, errors)?;
            let rank = shape.len();
            let needed = match &init {
                Init::Function { name, .. } if OF_MATRICES.contains(name) && rank < 2 => "at least 2 axes",
                Init::Function { name: "eye", .. } if rank != 2 => "2 axes",
                _ => "",
            };
            if !needed.is_empty() {
                let (init, shape) = (source(expr), Dims(&shape));
                errors.at(
                    expr,
                    format!("`{field}`: `{init}` needs a tensor of {needed}, but {shape} has {rank}"),
                );
                return None;
            }
            init
        }
        None => Init::Function { name: "zeros", args: Vec::new() },
    };
    Some(FieldKind::Tensor(OwnTensor { is_buffer, shape, init }))
}

fn first_value(expr: &Expr, field: &str, errors: &mut Errors) -> Option<Init> {
    if is_number(expr) {
        return Some(Init::Function { name: "constant", args: vec![as_float(expr)] });
    }
    let (name, args) = match expr {
        Expr::Path(path) => (path.path.get_ident(), Vec::new()),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => (path.path.get_ident(), call.args.iter().collect()),
            _ => (None, Vec::new()),
        },
        _ => (None, Vec::new()),
    };
    let Some(name) = name else { return Some(Init::Tensor(expr.to_token_stream())) };
    let text = name.to_string();
    let Some((known, numbers)) = INITS.iter().find(|(known, _)| *known == text) else {
        let meant = suggest(&text, INITS.iter().map(|(name, _)| *name));
        let is_function = matches!(expr, Expr::Call(_)) || !text.starts_with(char::is_lowercase);
        let hint = match meant {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if is_function => return Some(Init::Tensor(expr.to_token_stream())),
            None => {
                let known: Vec<&str> = INITS.iter().map(|(name, _)| *name).collect();
                format!(": it is one of {}, a number, or an expression that is a `Tensor`", quoted(&known))
            }
        };
        errors.at(name, format!("`{field}`: there is no first value `{text}`{hint}"));
        return None;
    };
    let mut args: Vec<TokenStream> = args.into_iter().map(as_float).collect();
    // The mean of a normal distribution and the gain have defaults.
    match (*known, args.len()) {
        ("normal", 1) => args.insert(0, quote!(0.0)),
        ("normal", 0) => args = vec![quote!(0.0), quote!(1.0)],
        ("uniform", 0) => args = vec![quote!(0.0), quote!(1.0)],
        ("trunc_normal", 1) => {
            args.insert(0, quote!(0.0));
            args.extend([quote!(-2.0), quote!(2.0)]);
        }
        ("xavier_uniform" | "xavier_normal" | "orthogonal", 0) => args = vec![quote!(1.0)],
        _ => {}
    }
    if known.starts_with("kaiming") && args.is_empty() {
        let init = quote!(::rustorch::nn::init);
        args = vec![quote!(#init::Fan::In), quote!(#init::Nonlinearity::Relu)];
    } else if args.len() != numbers.len() {
        let usage =
            if numbers.is_empty() { known.to_string() } else { format!("{known}({})", numbers.join(", ")) };
        errors.at(expr, format!("`{field}`: write `init = {usage}`"));
        return None;
    }
    Some(Init::Function { name: known, args })
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(lit) => matches!(lit.lit, Lit::Int(_) | Lit::Float(_)),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_number(&unary.expr),
        _ => false,
    }
}
