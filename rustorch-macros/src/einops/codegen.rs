//! The expression that a pattern stands for, on the plan of `einsum!`'s: one local trait for a typed operand, one for a
//! dynamic one.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use rustorch_shape::einops::{Operation, Pattern};
use syn::spanned::Spanned;

use super::parse::Input;
use super::signature::Signature;
use crate::einsum::{MAX_TYPED_RANK, hidden};

/// The call for `input`, whose pattern is `pattern`.
pub fn expression(input: &Input, pattern: &Pattern) -> TokenStream {
    let operand = &input.operand;
    let names: Vec<String> = input.sizes.iter().map(|(name, _)| name.to_string()).collect();
    let sizes = input.sizes.iter().map(|(_, size)| size);
    let site = site(input, pattern, &names);
    let binding = Ident::new("operand", hidden());
    let argument = Ident::new("operand", hidden().located_at(operand.span()));
    let kind = quote_spanned!(hidden().located_at(operand.span())=> ::rustorch::typed::TensorOperand::kind(#argument));
    let longest = pattern.left().len().max(pattern.right().len());
    let call = if longest > MAX_TYPED_RANK {
        quote!(SITE.dynamic(#argument, &sizes))
    } else {
        let signature = Signature::new(pattern, input);
        let known = signature
            .known
            .iter()
            .map(|(_, value)| quote!(::rustorch::__private::einops::Known::<#value>::new()));
        let known: Vec<TokenStream> = known.collect();
        let items = items(&signature, pattern.operation());
        let (method, ..) = methods(pattern.operation());
        quote! {
            #items
            // A variable, lest a type expected of the result is blamed on the operand.
            let result = #kind.#method(#argument, &sizes, #(#known),*);
            result
        }
    };
    quote! {
        match (&#operand, [#(#sizes),*]) {
            (#binding, sizes) => {
                let sizes: [usize; _] = sizes;
                #site
                #call
            }
        }
    }
}

fn site(input: &Input, pattern: &Pattern, names: &[String]) -> TokenStream {
    let text = pattern.text();
    let new = match (pattern.operation(), &input.reduction) {
        (Operation::Rearrange, _) => quote!(rearrange(#text, &[#(#names),*])),
        (Operation::Repeat, _) => quote!(repeat(#text, &[#(#names),*])),
        (Operation::Reduce, reduction) => quote!(reduce(#text, &[#(#names),*], #reduction)),
    };
    quote!(static SITE: ::rustorch::__private::einops::Site = ::rustorch::__private::einops::Site::#new;)
}

/// The method that computes, and the traits that have it for typed and for dynamic operands.
fn methods(operation: Operation) -> (Ident, Ident, Ident) {
    let (method, typed, dynamic) = match operation {
        Operation::Rearrange => ("rearrange", "Rearrange", "DynamicRearrange"),
        Operation::Reduce => ("reduce", "Reduce", "DynamicReduce"),
        Operation::Repeat => ("repeat", "Repeat", "DynamicRepeat"),
    };
    let name = |name| Ident::new(name, hidden());
    (name(method), name(typed), name(dynamic))
}

/// The two traits.
fn items(signature: &Signature, operation: Operation) -> TokenStream {
    let Signature { generics, bounds, known, operand, output, sizes, left, right } = signature;
    let dims: Vec<&Ident> = known.iter().map(|(dim, _)| dim).collect();
    // rustc shows these names, so they are those of the macro.
    let (method, typed_trait, dynamic_trait) = methods(operation);
    let operation = operation.name();
    let typed = quote! {
        #[track_caller]
        fn #method<#(#generics,)*>(
            self,
            operand: &::rustorch::typed::TypedTensor<#operand>,
            sizes: &[usize],
            #(_: ::rustorch::__private::einops::Known<#dims>),*
        ) -> ::rustorch::typed::TypedTensor<#output>
        where #(#bounds,)*
    };
    // Constant sizes come here as well, and are not looked at: the tensor's sizes are known only now.
    let dynamic_dims: Vec<Ident> =
        (0..dims.len()).map(|at| Ident::new(&format!("Size{at}"), hidden())).collect();
    let dynamic = quote! {
        fn #method<#(#dynamic_dims: ::rustorch::typed::Dim),*>(
            self,
            operand: &::rustorch::Tensor,
            sizes: &[usize],
            #(_: ::rustorch::__private::einops::Known<#dynamic_dims>),*
        ) -> ::rustorch::Result<::rustorch::Tensor>
    };
    quote! {
        #[allow(non_camel_case_types, clippy::too_many_arguments, clippy::type_complexity)]
        trait #typed_trait { #typed; }
        #[allow(non_camel_case_types, clippy::too_many_arguments, clippy::type_complexity)]
        impl #typed_trait for ::rustorch::typed::TypedOperands {
            #typed {
                const {
                    ::rustorch::__private::einops::check(#operation, [#(#sizes),*], &[#(#left),*], &[#(#right),*])
                };
                SITE.typed(operand, sizes)
            }
        }
        #[allow(clippy::too_many_arguments)]
        trait #dynamic_trait { #dynamic; }
        #[allow(clippy::too_many_arguments)]
        impl #dynamic_trait for ::rustorch::typed::DynamicOperands {
            #dynamic {
                SITE.dynamic(operand, sizes)
            }
        }
    }
}
