//! The expression that `einsum!` stands for.
//!
//! ```text
//! match (&a, &b) {
//!     (operand_0, operand_1) => {
//!         static SITE: Site = Site::new(&["i", "j", "k"], &[&[0, 1], &[1, 2]], &[0, 2]);
//!         trait Einsum { fn einsum<i: Dim, …>(self, operand_0: &TypedTensor<(i, j)>, …) -> TypedTensor<(i, k)>; }
//!         trait DynamicEinsum { fn einsum(self, …) -> Result<Tensor>; }
//!         let result = (kind(operand_0) & kind(operand_1)).einsum(operand_0, operand_1);
//!         result
//!     }
//! }
//! ```
//!
//! Whether the operands are typed is known to rustc alone. Their kinds, joined by `&`, have a type that implements one of
//! the two local traits, so that the method call picks the infallible signature or the fallible one and rustc checks
//! the operands against that one only.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use rustorch_shape::einsum::{Spec, Subscript, Term};
use syn::Expr;
use syn::spanned::Spanned;

use super::parse::Input;
use super::signature::{Signature, dim};

/// The largest rank of a typed tensor.
pub(crate) const MAX_TYPED_RANK: usize = 8;

/// What the call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `einsum!`
    Compute,
    /// `einsum_path!`
    Explain,
}

/// The most operands whose contraction order rustc computes.
const MAX_STATIC_OPERANDS: usize = 8;

/// The call-site for `input`, whose specification is `spec`.
pub fn expression(input: &Input, spec: &Spec, purpose: Purpose) -> TokenStream {
    let operands = input.operands();
    let bindings: Vec<Ident> =
        (0..operands.len()).map(|at| format_ident!("operand_{at}", span = hidden())).collect();
    // The arguments carry the spans of the operands, which is where rustc then reports a shape that does not fit.
    let arguments: Vec<TokenStream> = operands
        .iter()
        .zip(&bindings)
        .map(|(operand, binding)| {
            let located = Ident::new(&binding.to_string(), hidden().located_at(operand.span()));
            quote!(#located)
        })
        .collect();
    let site = site(spec);
    let ranks = spec.operands().iter().chain([spec.output()]).map(|term| term.items.len());
    let call = if ranks.max().is_some_and(|rank| rank > MAX_TYPED_RANK) {
        match purpose {
            Purpose::Compute => quote!(SITE.dynamic(&[#(#arguments),*])),
            Purpose::Explain => quote!(SITE.path(&[#(#arguments),*], ::core::option::Option::None)),
        }
    } else {
        let typed = typed_trait(spec, operands, &bindings, purpose);
        let (dynamic_result, dynamic_body) = match purpose {
            Purpose::Compute => (quote!(::rustorch::Tensor), quote!(SITE.dynamic(&[#(#bindings),*]))),
            Purpose::Explain => (
                quote!(::std::string::String),
                quote!(SITE.path(&[#(#bindings),*], ::core::option::Option::None)),
            ),
        };
        let kinds = arguments.iter().zip(operands).map(|(argument, operand)| {
            quote_spanned!(hidden().located_at(operand.span())=> ::rustorch::typed::TensorOperand::kind(#argument))
        });
        quote! {
            #typed
            #[allow(clippy::too_many_arguments)]
            trait DynamicEinsum {
                fn einsum(self, #(#bindings: &::rustorch::Tensor),*) -> ::rustorch::Result<#dynamic_result>;
            }
            #[allow(clippy::too_many_arguments)]
            impl DynamicEinsum for ::rustorch::typed::DynamicOperands {
                fn einsum(self, #(#bindings: &::rustorch::Tensor),*) -> ::rustorch::Result<#dynamic_result> {
                    #dynamic_body
                }
            }
            // A variable, lest a type expected of the result is blamed on the operands.
            let result = (#(#kinds)&*).einsum(#(#arguments),*);
            result
        }
    };
    let operands = operands.iter().map(|operand| match number(operand) {
        Some(number) => quote_spanned!(operand.span()=> ::rustorch::__private::einsum::number(#number)),
        None => operand.to_token_stream(),
    });
    quote! {
        match (#(&#operands,)*) {
            (#(#bindings,)*) => {
                #site
                #call
            }
        }
    }
}

/// Items of the expansion are invisible to the operands, and theirs to it.
pub(crate) fn hidden() -> Span {
    Span::mixed_site()
}

/// The static that holds the specification and, once used, its plans.
fn site(spec: &Spec) -> TokenStream {
    let labels = spec.labels();
    let term = |term: &Term| {
        let items = term.items.iter().map(|item| match item.subscript {
            Subscript::Label(label) => {
                let label = u8::try_from(label).unwrap_or(u8::MAX);
                quote!(::core::option::Option::Some(#label))
            }
            Subscript::Ellipsis => quote!(::core::option::Option::None),
        });
        quote!(&[#(#items),*])
    };
    let operands = spec.operands().iter().map(term);
    let output = term(spec.output());
    quote! {
        static SITE: ::rustorch::__private::einsum::Site =
            ::rustorch::__private::einsum::Site::new(&[#(#labels),*], &[#(#operands),*], #output);
    }
}

/// An operand that is written as a number, which then is a typed tensor without axes.
pub(super) fn number(operand: &Expr) -> Option<&Expr> {
    match operand {
        Expr::Lit(literal) if matches!(literal.lit, syn::Lit::Float(_) | syn::Lit::Int(_)) => Some(operand),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => number(&unary.expr).map(|_| operand),
        Expr::Paren(inner) => number(&inner.expr),
        Expr::Group(inner) => number(&inner.expr),
        _ => None,
    }
}

/// The contraction order, which rustc computes from the sizes in the types; none where there is nothing to choose, or an
/// ellipsis hides axes.
fn order(spec: &Spec) -> TokenStream {
    let terms = spec.operands();
    if terms.len() < 3
        || terms.len() > MAX_STATIC_OPERANDS
        || terms.iter().chain([spec.output()]).any(Term::has_ellipsis)
    {
        return quote!(::core::option::Option::None);
    }
    let set = |term: &Term| {
        let labels = term.labels();
        quote!(::rustorch::__private::einsum::IndexSet::from_slice(&[#(#labels),*]))
    };
    let (sets, output) = (terms.iter().map(set), set(spec.output()));
    let dims = spec.labels().iter().map(|label| dim(label));
    quote! {
        ::core::option::Option::Some(const {
            &::rustorch::__private::einsum::static_order(
                &[#(#sets),*], #output, &[#(<#dims as ::rustorch::typed::Dim>::SIZE),*]
            )
        })
    }
}

/// The infallible signature: one generic dim for each index, tied to every axis that has it.
fn typed_trait(spec: &Spec, operands: &[Expr], bindings: &[Ident], purpose: Purpose) -> TokenStream {
    let Signature { generics, parameters, bounds, output, ties } = Signature::new(spec, operands);
    let order = order(spec);
    let (result, body) = match purpose {
        Purpose::Compute => (
            quote!(::rustorch::typed::TypedTensor<#output>),
            quote!(::rustorch::__private::einsum::trusted(SITE.typed(&[#(#bindings),*], #order))),
        ),
        Purpose::Explain => {
            (quote!(::rustorch::Result<::std::string::String>), quote!(SITE.path(&[#(#bindings),*], #order)))
        }
    };
    let signature = quote! {
        #[track_caller]
        fn einsum<#(#generics,)*>(
            self, #(#bindings: &::rustorch::typed::TypedTensor<#parameters>),*
        ) -> #result
        where #(#bounds,)*
    };
    quote! {
        #(#ties)*
        #[allow(non_camel_case_types, clippy::too_many_arguments, clippy::type_complexity)]
        trait Einsum { #signature; }
        #[allow(non_camel_case_types, clippy::too_many_arguments, clippy::type_complexity)]
        impl Einsum for ::rustorch::typed::TypedOperands {
            #signature {
                #body
            }
        }
    }
}
