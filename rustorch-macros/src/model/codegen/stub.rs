//! What is emitted besides errors: the same items, so that no error follows from the first.

use super::super::ir::Model;
use super::{body, items};
use proc_macro2::TokenStream;
use quote::quote;

/// The struct with its methods, which are never run.
pub(in super::super) fn stub(model: &Model) -> TokenStream {
    let structure = items::structure(model);
    let module = items::module(model);
    let forward = model.forward.as_ref().map(|forward| {
        let signature = body::signature(model, forward);
        let into = body::forward_into(model, forward, &signature, |_, _| {
            quote!(::core::unreachable!("this model does not compile"))
        });
        let body::Signature { attrs, generics, params, output, .. } = signature;
        quote! {
            #[allow(unused_variables)]
            #into
            #(#attrs)*
            #[allow(unused_variables)]
            pub fn forward #generics (&self, #(#params),*) -> #output {
                ::core::unreachable!("this model does not compile")
            }
            /// As `forward`.
            #[allow(unused_variables, clippy::missing_errors_doc)]
            pub fn try_forward #generics (&self, #(#params),*) -> ::rustorch::Result<#output> {
                ::core::unreachable!("this model does not compile")
            }
        }
    });
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.generics.split_for_impl());
    quote! {
        #structure
        impl #impl_generics #name #ty_generics #where_clause {
            /// A new model.
            pub fn new() -> Self {
                ::core::unreachable!("this model does not compile")
            }
            #forward
        }
        #module
    }
}
