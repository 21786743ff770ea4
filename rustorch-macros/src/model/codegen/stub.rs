//! What is emitted besides errors: the same items, so that no error follows from the first.

use super::super::ir::{Forward, Model, Tree};
use super::{body, call, items, types};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The struct with its methods, which are never run.
pub(in super::super) fn stub(model: &Model) -> TokenStream {
    let structure = model.constants.placed(items::structure(model));
    let module = items::module(model);
    let forward = model.forward.as_ref().map(|forward| {
        let signature = body::signature(model, forward);
        let into = body::forward_into(model, forward, &signature, |_, _| {
            quote!(::core::unreachable!("this model does not compile"))
        });
        let body::Signature { attrs, generics, params, output, .. } = signature;
        let call = match forward.inputs.iter().all(|input| input.shape.is_some())
            && forward.outputs.iter().all(|output| output.shape.is_some())
        {
            true => call::method(model, forward),
            false => open(forward),
        };
        quote! {
            #call
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
    // Other models call this one, and programs train it.
    let (layer, compiled) = (layer(model), compiled(model));
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let code = quote! {
        impl #impl_generics #name #ty_generics #where_clause {
            /// There is nothing that could fit.
            pub const SHAPES_FIT: () = ();
            /// A new model.
            pub fn new() -> Self {
                ::core::unreachable!("this model does not compile")
            }
            #forward
        }
        #module
        #layer
        #compiled
    };
    let code = model.constants.checked(name, code);
    quote!(#structure #code)
}

/// The method by which others call a model of which a shape has a mistake.
fn open(forward: &Forward) -> TokenStream {
    let given: Vec<Ident> = (0..forward.inputs.len()).map(|input| format_ident!("Shape{input}")).collect();
    let params = given.iter().enumerate().map(|(input, given)| {
        let tensor = types::var(input);
        hygienic!(#tensor: &::rustorch::TypedTensor<#given>)
    });
    let mut tensors = std::iter::repeat_with(|| hygienic!(::rustorch::Tensor));
    let result = types::nested(&forward.result, &mut tensors);
    hygienic! {
        #[doc(hidden)]
        #[allow(unused_variables)]
        pub fn call_open<#(#given: ::rustorch::Shape),*>(&self, #(#params),*) -> ::rustorch::Result<#result> {
            ::core::unreachable!("this model does not compile")
        }
    }
}

/// Models with one input and one output stand where layers do.
fn layer(model: &Model) -> Option<TokenStream> {
    let forward = model.forward.as_ref()?;
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let ([Tree::One], false) = (&forward.arguments[..], forward.is_tuple) else { return None };
    Some(hygienic! {
        #[allow(unused_variables)]
        impl #impl_generics ::rustorch::nn::Layer for #name #ty_generics #where_clause {
            fn forward(&self, input: &::rustorch::Tensor) -> ::rustorch::Result<::rustorch::Tensor> {
                ::core::unreachable!("this model does not compile")
            }
        }
    })
}

/// The passes of a compiled network.
fn compiled(model: &Model) -> Option<TokenStream> {
    let forward = model.forward.as_ref()?;
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let (inputs, outputs) = (forward.inputs.len(), forward.outputs.len());
    let never = hygienic!(::core::unreachable!("this model does not compile"));
    Some(hygienic! {
        #[allow(unused_variables)]
        impl #impl_generics ::rustorch::__private::compiled::Compiled for #name #ty_generics #where_clause {
            const INPUTS: usize = #inputs;
            const OUTPUTS: usize = #outputs;
            const SCHEDULE: &'static [&'static str] = &[];

            fn cache(&self) -> &::rustorch::__private::compiled::Cache {
                &self.compiled
            }

            fn handle(&self) -> ::core::option::Option<Self> {
                #never
            }

            fn fits(&self) -> bool {
                #never
            }

            fn check(&self, inputs: &[&::rustorch::Tensor]) -> ::rustorch::Result<()> {
                #never
            }

            fn run(
                &self,
                pass: &mut ::rustorch::__private::compiled::Pass,
                inputs: &[::rustorch::__private::compiled::Buf],
                shapes: &[&[usize]],
                outputs: &mut [::rustorch::__private::compiled::Buf],
            ) -> ::rustorch::Result<()> {
                #never
            }

            fn derive(
                &self,
                pass: &mut ::rustorch::__private::compiled::Pass,
                shapes: &[&[usize]],
                outputs: &[::rustorch::__private::compiled::Grad],
                inputs: &mut [::rustorch::__private::compiled::Grad],
            ) -> ::rustorch::Result<()> {
                #never
            }

            fn eager(&self, inputs: &[&::rustorch::Tensor]) -> ::rustorch::Result<::rustorch::__private::compiled::Tensors> {
                #never
            }
        }
    })
}
