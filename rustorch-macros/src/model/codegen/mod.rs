//! Printing: a struct of layers, its constructor, and the forward pass. Nothing can fail here.
//!
//! Signatures, types and assertions, which messages of the compiler point at, are tokens; bodies, which grow with the model, are text ([`text`]).

/// As `quote!`, with variables that no name of a user meets: a run-time dim may be called `left` or `pass`. What a user wrote is put in
/// with the names it has.
macro_rules! hygienic {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

mod assertions;
mod body;
mod call;
mod compiled;
mod items;
mod schedule;
mod statements;
mod stub;
mod text;
mod types;

pub(super) use statements::reference;
pub(super) use stub::stub;
pub(super) use text::{OWN, list};
pub(super) use types::{interpolation, optional, size};

use super::check::Checked;
use super::compile::Compiled;
use super::ir::Model;
use super::lower::Program;
use proc_macro2::TokenStream;
use quote::quote;

/// The items that a correct model expands to.
pub(super) fn generate(
    model: &Model,
    checked: &Checked,
    program: &Program,
    pass: Option<(&Program, &Compiled<'_>)>,
) -> TokenStream {
    let structure = model.constants.placed(items::structure(model));
    let constructor = items::constructor(model, checked);
    let module = items::module(model);
    let assertions = assertions::free(model, checked, program);
    let checks = assertions::of_parameters(model, checked, program);
    let forward = body::forward(model, program, pass.is_some());
    let compiled = pass.map(|(program, pass)| compiled::compiled(model, checked, program, pass));
    let layer = body::layer(model);
    let unused = unused(model);
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let code = quote! {
        #(#assertions)*
        #[automatically_derived]
        #[allow(clippy::all)]
        impl #impl_generics #name #ty_generics #where_clause {
            #checks
            #constructor
            #forward
            #unused
        }
        #module
        #layer
        #compiled
    };
    let code = model.constants.checked(name, code);
    quote!(#structure #code)
}

/// Variables that nothing reads, for the compiler to warn of.
fn unused(model: &Model) -> Option<TokenStream> {
    let names = model.forward.as_ref().map(|forward| &forward.unused).filter(|names| !names.is_empty())?;
    Some(quote! {
        #[allow(dead_code)]
        fn unused_variables() {
            #(let #names = ();)*
        }
    })
}
