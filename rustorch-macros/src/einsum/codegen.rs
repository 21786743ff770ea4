//! The expression that `einsum!` stands for.
//!
//! ```text
//! match (&a, &b) {
//!     (operand_0, operand_1) => {
//!         static SITE: Site = Site::new(&["i", "j", "k"], &[&[0, 1], &[1, 2]], &[0, 2]);
//!         trait Typed { fn einsum<i: Dim, j: Dim, k: Dim, A: Operand<(i, j)>, B: Operand<(j, k)>>(self, …) -> TypedTensor<(i, k)>; }
//!         trait Dynamic { fn einsum(self, …) -> Result<Tensor>; }
//!         (kind(operand_0) & kind(operand_1)).einsum(operand_0, operand_1)
//!     }
//! }
//! ```
//!
//! Whether the operands are typed is known to rustc alone. Their kinds, joined by `&`, have a type that implements one of
//! the two local traits, so that the method call picks the infallible signature or the fallible one and rustc checks
//! the operands against that one only.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use rustorch_shape::einsum::{Spec, Subscript, Term};
use syn::spanned::Spanned;

use super::parse::Input;

/// The largest rank of a typed tensor.
const MAX_TYPED_RANK: usize = 8;

/// The call-site for `input`, whose specification is `spec`.
pub fn expression(input: &Input, spec: &Spec) -> TokenStream {
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
        quote!(SITE.dynamic(&[#(#arguments),*]))
    } else {
        let typed = typed_trait(spec, &bindings);
        let kinds = arguments.iter().zip(operands).map(|(argument, operand)| {
            quote_spanned!(hidden().located_at(operand.span())=> ::rustorch::__private::einsum::kind(#argument))
        });
        quote! {
            #typed
            trait Dynamic {
                fn einsum(self, #(#bindings: &::rustorch::Tensor),*) -> ::rustorch::Result<::rustorch::Tensor>;
            }
            impl Dynamic for ::rustorch::__private::einsum::Dynamic {
                fn einsum(self, #(#bindings: &::rustorch::Tensor),*) -> ::rustorch::Result<::rustorch::Tensor> {
                    SITE.dynamic(&[#(#bindings),*])
                }
            }
            (#(#kinds)&*).einsum(#(#arguments),*)
        }
    };
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
fn hidden() -> Span {
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

/// The infallible signature: one generic dim for each index, one shape for each operand.
fn typed_trait(spec: &Spec, bindings: &[Ident]) -> TokenStream {
    let dims: Vec<Ident> = spec.labels().iter().map(|label| dim(label)).collect();
    let shapes: Vec<Ident> =
        (0..bindings.len()).map(|at| format_ident!("Shape{at}", span = hidden())).collect();
    let mut generics = quote!(#(#dims: ::rustorch::Dim,)*);
    let mut middles: Vec<Ident> = Vec::new();
    let mut bounds = TokenStream::new();
    for (at, (term, shape)) in spec.operands().iter().zip(&shapes).enumerate() {
        let (before, after) = sides(term, &dims);
        bounds.extend(if term.has_ellipsis() {
            let middle = format_ident!("Ellipsis{at}", span = hidden());
            generics.extend(quote!(#middle: ::rustorch::Shape,));
            let bound = quote!(#shape: ::rustorch::__private::einsum::EllipsisOperand<#before, #after, Middle = #middle>,);
            middles.push(middle);
            bound
        } else {
            quote!(#shape: ::rustorch::__private::einsum::Operand<#before>,)
        });
    }
    // The ellipses broadcast against each other, one after the other.
    let mut middle = None;
    for (at, next) in middles.iter().enumerate() {
        middle = Some(match middle {
            None => quote!(#next),
            Some(so_far) => {
                let joined = format_ident!("Broadcast{at}", span = hidden());
                generics.extend(quote!(#joined: ::rustorch::Shape,));
                bounds.extend(quote!(#so_far: ::rustorch::Broadcast<#next, Output = #joined>,));
                quote!(#joined)
            }
        });
    }
    let (before, after) = sides(spec.output(), &dims);
    let output = if spec.output().has_ellipsis() {
        let middle = middle.unwrap_or_else(|| quote!(()));
        generics.extend(quote!(Output: ::rustorch::Shape,));
        bounds.extend(
            quote!(#middle: ::rustorch::__private::einsum::Surround<#before, #after, Output = Output>,),
        );
        quote!(Output)
    } else {
        before
    };
    let signature = quote! {
        #[track_caller]
        fn einsum<#generics #(#shapes: ::rustorch::Shape,)*>(
            self, #(#bindings: &::rustorch::TypedTensor<#shapes>),*
        ) -> ::rustorch::TypedTensor<#output>
        where #bounds
    };
    quote! {
        #[allow(non_camel_case_types)]
        trait Typed { #signature; }
        #[allow(non_camel_case_types)]
        impl Typed for ::rustorch::__private::einsum::Typed {
            #signature {
                ::rustorch::__private::einsum::trusted(SITE.typed(&[#(#bindings),*]))
            }
        }
    }
}

/// The generic parameter of an index. Raw identifiers lose their prefix: inside a signature the name is only shown.
fn dim(label: &str) -> Ident {
    match label.strip_prefix("r#") {
        Some(label) => Ident::new_raw(label, hidden()),
        None => Ident::new(label, hidden()),
    }
}

/// The tuples of dims before and after the ellipsis; all of them before it where there is none.
fn sides(term: &Term, dims: &[Ident]) -> (TokenStream, TokenStream) {
    let ellipsis = term.items.iter().position(|item| item.subscript == Subscript::Ellipsis);
    let (before, after) = term.items.split_at(ellipsis.unwrap_or(term.items.len()));
    let tuple = |items: &[rustorch_shape::einsum::Item]| {
        let dims = items.iter().filter_map(|item| match item.subscript {
            Subscript::Label(label) => dims.get(label),
            Subscript::Ellipsis => None,
        });
        quote!((#(#dims,)*))
    };
    (tuple(before), tuple(after))
}
