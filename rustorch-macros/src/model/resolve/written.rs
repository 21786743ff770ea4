//! What an expression is as it is written: a literal, a list, an argument by name.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, Ident, Lit, UnOp};

/// Splits `stride = 2` from positional arguments: Rust reads it as an assignment.
pub(super) fn split(expr: &Expr) -> (Option<&Ident>, &Expr) {
    if let Expr::Assign(assign) = expr
        && let Expr::Path(path) = &*assign.left
        && let Some(name) = path.path.get_ident()
    {
        return (Some(name), &assign.right);
    }
    (None, expr)
}

/// An expression of any numeric type as an `f64`.
pub(super) fn as_float(expr: &Expr) -> TokenStream {
    match expr {
        Expr::Lit(lit) if matches!(lit.lit, Lit::Float(_)) => quote!(#expr),
        _ => quote!((#expr) as f64),
    }
}

/// The elements of `[a, b]` or `(a, b)`.
pub(super) fn elements(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Array(array) => Some(array.elems.iter().collect()),
        Expr::Tuple(tuple) => Some(tuple.elems.iter().collect()),
        Expr::Reference(reference) => elements(&reference.expr),
        Expr::Group(group) => elements(&group.expr),
        _ => None,
    }
}

pub(super) fn integer(expr: &Expr) -> Option<isize> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            integer(&unary.expr).and_then(isize::checked_neg)
        }
        Expr::Paren(inner) => integer(&inner.expr),
        Expr::Group(inner) => integer(&inner.expr),
        _ => None,
    }
}

/// Whether the expression may be a bool.
pub(super) fn is_flag(expr: &Expr) -> bool {
    let is_pythons =
        matches!(expr, Expr::Path(path) if path.path.is_ident("True") || path.path.is_ident("False"));
    !is_pythons && (!is_literal(expr) || boolean(expr).is_some())
}

/// Whether an expression is `None`.
pub(super) fn is_none(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("None"))
}

/// Whether the expression is a literal, perhaps with a sign.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => is_literal(&unary.expr),
        _ => false,
    }
}

pub(super) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            Lit::Float(float) => float.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => number(&unary.expr).map(|n| -n),
        _ => None,
    }
}

pub(super) fn boolean(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(flag) => Some(flag.value),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
