//! Shapes as types, sizes as expressions.

use super::super::ir::{Model, Shape, Tree};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use rustorch_shape::poly::Atom;
use rustorch_shape::{Poly, Size};

/// What to write for a size that has no type: `4 * D` is not one on stable Rust.
#[derive(Clone, Copy)]
pub(super) enum Unnamed {
    /// `Any`, in signatures.
    Any,
    /// `_`, in bodies: rustc infers it and the tensor is checked against it.
    Inferred,
}

/// A size as an expression of type `usize`.
pub(in super::super) fn size(size: &Poly) -> TokenStream {
    // A polynomial prints as valid Rust.
    size.to_string().parse().unwrap_or_default()
}

/// The tuple of dims for a shape.
pub(super) fn shape(model: &Model, shape: &Shape, unnamed: Unnamed) -> TokenStream {
    let dims = shape.iter().map(|size| dim(model, size, unnamed));
    quote!((#(#dims,)*))
}

/// Tokens grouped to tuples.
pub(super) fn nested(tree: &Tree, leaves: &mut dyn Iterator<Item = TokenStream>) -> TokenStream {
    match tree {
        Tree::One => leaves.next().unwrap_or_default(),
        Tree::Tuple(parts) => {
            let parts = parts.iter().map(|part| nested(part, leaves)).collect::<Vec<_>>();
            quote!((#(#parts,)*))
        }
    }
}

/// The type parameters for the run-time dims: `Batch`, `Seq`.
pub(super) fn dim_params(model: &Model) -> Vec<Ident> {
    let Some(forward) = &model.forward else { return Vec::new() };
    forward.dims.iter().map(|dim| dim_param(model, &dim.name, dim.span)).collect()
}

/// The dim of one axis.
pub(super) fn dim(model: &Model, size: &Poly, unnamed: Unnamed) -> TokenStream {
    if let Some(Atom::Dim(name)) = size.as_name() {
        let ident = dim_param(model, name, Span::call_site());
        return quote!(#ident);
    }
    if let Some(n) = size.as_constant() {
        return quote!(::rustorch::Const<#n>);
    }
    let generic =
        size.params().iter().any(|name| model.generics.const_params().any(|param| param.ident == name));
    let value = self::size(size);
    match (size.as_name(), unnamed) {
        (Some(_), _) => quote!(::rustorch::Const<{ #value }>),
        (None, _) if !generic && size.dims().is_empty() => quote!(::rustorch::Const<{ #value }>),
        (None, Unnamed::Any) => quote!(::rustorch::Any),
        (None, Unnamed::Inferred) => quote!(_),
    }
}

/// `batch` as `Batch`, unless a const parameter has that name.
fn dim_param(model: &Model, name: &str, span: Span) -> Ident {
    let camel: String = name
        .split('_')
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<Vec<char>>()
        })
        .collect();
    let taken = model.generics.const_params().any(|param| param.ident == camel) || model.name == camel;
    let suffix = if taken || camel.is_empty() { "Dim" } else { "" };
    format_ident!("{camel}{suffix}", span = span)
}

/// The tensor of this number.
pub(super) fn var(number: usize) -> Ident {
    format_ident!("t{number}")
}
