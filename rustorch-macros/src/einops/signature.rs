//! The typed signature of a pattern.
//!
//! For `"b (h d) t -> b h t d"` with `h = 4` it is
//!
//! ```text
//! fn einops<b: Dim, h: Dim, Left1: Dim, t: Dim, d: Dim>(
//!     self, x: &TypedTensor<(b, Left1, t)>, sizes: &[usize], _: Known<h>,
//! ) -> TypedTensor<(b, h, t, d)>
//! ```
//!
//! An axis that stands alone on either side is a generic dim under its own name; so is one whose size the program gives as
//! a constant, which comes as a [`Known`] argument. An axis of several is a dim of its own, tied to its parts by a check
//! that rustc evaluates: Rust's types cannot multiply.
//!
//! [`Known`]: ../../../rustorch/src/typed/einops.rs

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use rustorch_shape::einops::{Group, Part, Pattern};
use syn::{Expr, Lit};

use super::parse::Input;
use crate::einsum::hidden;

/// The parts of the signature.
#[derive(Default)]
pub struct Signature {
    pub generics: Vec<TokenStream>,
    pub bounds: Vec<TokenStream>,
    /// The dims of constant sizes, and what the program gives for each.
    pub known: Vec<(Ident, TokenStream)>,
    /// The shapes of the operand and of the result.
    pub operand: TokenStream,
    pub output: TokenStream,
    /// The size of every elementary axis as far as types fix it, and the axes of several.
    pub sizes: Vec<TokenStream>,
    pub left: Vec<TokenStream>,
    pub right: Vec<TokenStream>,
}

impl Signature {
    pub fn new(pattern: &Pattern, input: &Input) -> Self {
        let mut signature = Self::default();
        let constants: Vec<Option<TokenStream>> = (0..pattern.axes().len())
            .map(|axis| {
                let given = pattern.sizes().iter().position(|&other| other == axis)?;
                constant(&input.sizes[given].1)
            })
            .collect();
        let alone = |axis: usize| {
            let mut groups = pattern.left().iter().chain(pattern.right());
            groups.any(|group| group.parts == [Part::Axis(axis)])
        };
        // Every elementary axis that types can know.
        let mut dims: Vec<Option<TokenStream>> = Vec::new();
        for (axis, elementary) in pattern.axes().iter().enumerate() {
            let dim = match (elementary.size, &constants[axis]) {
                (Some(size), _) => Some(quote!(::rustorch::typed::Const<#size>)),
                (None, Some(value)) => {
                    let dim = dim(&elementary.name);
                    signature.generics.push(quote!(#dim: ::rustorch::typed::Dim));
                    signature.known.push((dim.clone(), value.clone()));
                    Some(dim.to_token_stream())
                }
                (None, None) if alone(axis) => {
                    let dim = dim(&elementary.name);
                    signature.generics.push(quote!(#dim: ::rustorch::typed::Dim));
                    Some(dim.to_token_stream())
                }
                (None, None) => None,
            };
            signature.sizes.push(match &dim {
                Some(dim) => quote!(<#dim as ::rustorch::typed::Dim>::SIZE),
                None => quote!(::core::option::Option::None),
            });
            dims.push(dim);
        }
        let left = signature.side(pattern, pattern.left(), &dims, "Left");
        let right = signature.side(pattern, pattern.right(), &dims, "Right");
        signature.shapes(pattern, left, right);
        signature
    }

    /// The dims of one side; `None` for an ellipsis.
    fn side(
        &mut self,
        pattern: &Pattern,
        groups: &[Group],
        dims: &[Option<TokenStream>],
        prefix: &str,
    ) -> Vec<Option<TokenStream>> {
        let mut found = Vec::with_capacity(groups.len());
        for (at, group) in groups.iter().enumerate() {
            match &group.parts[..] {
                [Part::Ellipsis] if !group.composite => {
                    found.push(None);
                    continue;
                }
                [] if prefix == "Right" => {
                    found.push(Some(quote!(::rustorch::typed::One)));
                    continue;
                }
                [Part::Axis(axis)] => {
                    if let Some(dim) = &dims[*axis] {
                        found.push(Some(dim.clone()));
                        continue;
                    }
                }
                _ => {}
            }
            let dim = format_ident!("{prefix}{at}", span = hidden());
            if group.parts.is_empty() {
                self.generics.push(quote!(#dim: ::rustorch::typed::UnitDim));
            } else {
                self.generics.push(quote!(#dim: ::rustorch::typed::Dim));
                // What an ellipsis contributes is known at run time alone.
                if !group.has_ellipsis() {
                    let (text, parts) = (pattern.group_text(group), group.axes());
                    let checks = if prefix == "Left" { &mut self.left } else { &mut self.right };
                    checks.push(quote! {
                        ::rustorch::__private::einops::Composite {
                            text: #text, size: <#dim as ::rustorch::typed::Dim>::SIZE, parts: &[#(#parts),*],
                        }
                    });
                }
            }
            found.push(Some(dim.to_token_stream()));
        }
        found
    }

    /// The shapes, from the dims of both sides.
    fn shapes(&mut self, pattern: &Pattern, left: Vec<Option<TokenStream>>, right: Vec<Option<TokenStream>>) {
        let middle = Ident::new("Middle", hidden());
        let tuple = |dims: &[Option<TokenStream>]| {
            let dims = dims.iter().flatten();
            quote!((#(#dims,)*))
        };
        let sides = |dims: &[Option<TokenStream>]| {
            let at = dims.iter().position(Option::is_none)?;
            Some((tuple(&dims[..at]), tuple(&dims[at + 1..])))
        };
        self.operand = match sides(&left) {
            None => tuple(&left),
            Some((before, after)) => {
                let operand = Ident::new("Operand", hidden());
                self.generics.push(quote!(#operand: ::rustorch::typed::Shape));
                self.generics.push(quote!(#middle: ::rustorch::typed::Shape));
                self.bounds.push(quote! {
                    #operand: ::rustorch::__private::einsum::EllipsisOperand<#before, #after, Middle = #middle>
                });
                operand.to_token_stream()
            }
        };
        self.output = match sides(&right) {
            None => tuple(&right),
            Some((before, after)) => {
                let output = Ident::new("Output", hidden());
                self.generics.push(quote!(#output: ::rustorch::typed::Shape));
                self.bounds.push(quote! {
                    #middle: ::rustorch::__private::einsum::Surround<#before, #after, Output = #output>
                });
                output.to_token_stream()
            }
        };
        debug_assert!(pattern.left().len() == left.len() && pattern.right().len() == right.len());
    }
}

/// The dim of a size that a type can have: a number, a constant or a const parameter.
fn constant(size: &Expr) -> Option<TokenStream> {
    match size {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if matches!(number.suffix(), "" | "usize") => {
                Some(quote!(::rustorch::typed::Const<#number>))
            }
            _ => None,
        },
        Expr::Paren(inner) => constant(&inner.expr),
        Expr::Group(inner) => constant(&inner.expr),
        Expr::Path(path) => {
            let name = path.path.segments.last()?.ident.to_string();
            let capitals = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            capitals.then(|| quote!(::rustorch::typed::Const<{ #path }>))
        }
        _ => None,
    }
}

/// The generic parameter of an axis. It carries the name that the user gave, which rustc may show.
fn dim(name: &str) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(ident) => Ident::new(&ident.to_string(), hidden()),
        Err(_) => format_ident!("{name}_", span = hidden()),
    }
}
