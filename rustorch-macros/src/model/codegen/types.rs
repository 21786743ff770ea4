//! Shapes as types, sizes as expressions.

use super::super::ir::{Model, Shape, Tree};
use super::text::{Local, list};
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use rustorch_shape::poly::Atom;
use rustorch_shape::{Poly, Size};
use std::iter::Peekable;
use std::str::Chars;

/// A size as an expression of type `usize`.
pub(in super::super) fn size(size: &Poly) -> Piece {
    // A constant of a module, `config::DEPTH`, is more than a name.
    if size.params().iter().any(|name| name.contains("::")) {
        return Piece::Tokens(size.to_string().parse().unwrap_or_default());
    }
    if let Some(Atom::Dim(name) | Atom::Param(name)) = size.as_name() {
        return Piece::Name(Ident::new(name, Span::call_site()));
    }
    if let Some(n) = size.as_constant() {
        return Piece::Number(Literal::usize_unsuffixed(n));
    }
    // A polynomial prints as valid Rust.
    Piece::Tokens(tokens(&mut size.to_string().chars().peekable()))
}

/// Tokens to be put between others. A stream put into another is four questions to the compiler, a name is none.
pub(in super::super) enum Piece {
    Name(Ident),
    Number(Literal),
    Tokens(TokenStream),
}

impl ToTokens for Piece {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Name(name) => name.to_tokens(tokens),
            Self::Number(number) => number.to_tokens(tokens),
            Self::Tokens(piece) => piece.to_tokens(tokens),
        }
    }
}

/// A size that may be missing as an expression of type `Option<usize>`.
pub(in super::super) fn optional(size: Option<&Poly>) -> String {
    match size {
        Some(size) => format!("::core::option::Option::Some({size})"),
        None => "::core::option::Option::<usize>::None".into(),
    }
}

/// How an image of another size is made, as an expression of the library's type.
pub(in super::super) fn interpolation(factors: &[Poly], mode: &str, align_corners: bool) -> String {
    let factors = list(factors);
    format!(
        "::rustorch::__private::compiled::Interpolation {{ factors: &[{factors}], mode: {mode:?}, \
         align_corners: {align_corners} }}"
    )
}

/// The tokens of a printed polynomial up to the next closing parenthesis. rustc's lexer, which makes a file of every text, would
/// take a good part of an expansion.
fn tokens(text: &mut Peekable<Chars<'_>>) -> TokenStream {
    let mut tokens = TokenStream::new();
    while let Some(first) = text.next() {
        let token = match first {
            ' ' => continue,
            ')' => break,
            '(' => TokenTree::from(Group::new(Delimiter::Parenthesis, self::tokens(text))),
            '+' | '-' | '*' | '/' => TokenTree::from(Punct::new(first, Spacing::Alone)),
            _ => {
                let mut word = String::from(first);
                while let Some(next) = text.next_if(|next| next.is_alphanumeric() || *next == '_') {
                    word.push(next);
                }
                match word.parse() {
                    Ok(number) => TokenTree::from(Literal::u128_unsuffixed(number)),
                    Err(_) => TokenTree::from(Ident::new(&word, Span::call_site())),
                }
            }
        };
        tokens.extend([token]);
    }
    tokens
}

/// The tuple of dims for a shape.
pub(super) fn shape(model: &Model, shape: &Shape) -> TokenStream {
    let dims = shape.iter().map(|size| dim(model, size));
    hygienic!((#(#dims,)*))
}

/// The tuple of dims of which only the names of run-time dims are known.
pub(super) fn names(model: &Model, shape: &Shape) -> TokenStream {
    let dims = shape.iter().map(|size| match size.as_name() {
        Some(Atom::Dim(_)) => dim(model, size),
        _ => hygienic!(::rustorch::Any),
    });
    hygienic!((#(#dims,)*))
}

/// Tokens grouped to tuples.
pub(super) fn nested(tree: &Tree, leaves: &mut dyn Iterator<Item = TokenStream>) -> TokenStream {
    match tree {
        Tree::One => leaves.next().unwrap_or_default(),
        Tree::Tuple(parts) => {
            let parts = parts.iter().map(|part| nested(part, leaves)).collect::<Vec<_>>();
            hygienic!((#(#parts,)*))
        }
    }
}

/// The same as text.
pub(super) fn nested_text(tree: &Tree, leaves: &mut dyn Iterator<Item = Local>) -> String {
    match tree {
        Tree::One => leaves.next().map_or_else(String::new, |leaf| leaf.to_string()),
        Tree::Tuple(parts) => {
            let parts: String = parts.iter().map(|part| nested_text(part, leaves) + ", ").collect();
            format!("({parts})")
        }
    }
}

/// The type parameters for the run-time dims: `Batch`, `Seq`.
pub(super) fn dim_params(model: &Model) -> Vec<Ident> {
    let Some(forward) = &model.forward else { return Vec::new() };
    forward.dims.iter().map(|dim| dim_param(model, &dim.name, dim.span)).collect()
}

/// The dim of one axis; `Any` for a size that has no type: `4 * D` is not one on stable Rust.
pub(super) fn dim(model: &Model, size: &Poly) -> TokenStream {
    if let Some(Atom::Dim(name)) = size.as_name() {
        let ident = dim_param(model, name, Span::call_site());
        return hygienic!(#ident);
    }
    if let Some(n) = size.as_constant() {
        return hygienic!(::rustorch::Const<#n>);
    }
    let generic =
        size.params().iter().any(|name| model.generics.const_params().any(|param| param.ident == name));
    // Where a constant is too small, an assertion says so: once, not at every type.
    let (added, taken) = size.halves();
    let value = match taken.as_integer() {
        Some(0) => self::size(size).into_token_stream(),
        _ => {
            let (added, taken) = (self::size(&added), self::size(&taken));
            hygienic!((#added).saturating_sub(#taken))
        }
    };
    if size.as_name().is_some() || (!generic && size.dims().is_empty()) {
        hygienic!(::rustorch::Const<{ #value }>)
    } else {
        hygienic!(::rustorch::Any)
    }
}

/// `batch` as `Batch`, unless a const parameter or a constant has that name.
fn dim_param(model: &Model, name: &str, span: Span) -> Ident {
    let camel: String = name
        .split('_')
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<Vec<char>>()
        })
        .collect();
    let taken = model.generics.const_params().any(|param| param.ident == camel)
        || model.name == camel
        || model.constants.has(&camel);
    let suffix = if taken || camel.is_empty() { "Dim" } else { "" };
    format_ident!("{camel}{suffix}", span = span)
}

/// The tensor of this number.
pub(super) fn var(number: usize) -> Local {
    Local("t", number)
}
