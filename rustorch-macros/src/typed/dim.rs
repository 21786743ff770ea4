//! `dim!(Batch, pub Seq)`: types for sizes known at run time.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, Result, Token, Visibility};

/// Expands `dim!(input)`.
pub fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<Dims>(input) {
        Ok(Dims(dims)) => dims.iter().map(declaration).collect(),
        Err(error) => error.to_compile_error(),
    }
}

struct Dims(Vec<Declaration>);

struct Declaration {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
}

impl Parse for Dims {
    fn parse(input: ParseStream) -> Result<Self> {
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), "dim!: expected names, as in dim!(Batch, Seq)"));
        }
        Ok(Self(Punctuated::<Declaration, Token![,]>::parse_terminated(input)?.into_iter().collect()))
    }
}

impl Parse for Declaration {
    fn parse(input: ParseStream) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let span = input.span();
        let name: Ident = input.parse().map_err(|_| {
            Error::new(span, "dim!: expected the name of a dim, such as Batch (a fixed size needs none)")
        })?;
        if !name.to_string().starts_with(|c: char| c.is_uppercase()) {
            let message = format!("dim!: `{name}` becomes a type; begin its name with a capital letter");
            return Err(Error::new(name.span(), message));
        }
        Ok(Self { attributes, visibility, name })
    }
}

/// An uninhabited type, so that nobody makes a value of it and rustc does not ask for one.
fn declaration(Declaration { attributes, visibility, name }: &Declaration) -> TokenStream {
    let text = name.to_string();
    let doc = format!("The size `{name}`, known at run time.");
    // `shape![N]` takes a name in capitals for a constant: it finds this one, whose type says what to write. A type, because nothing else
    // that a macro makes gets into the one error that rustc reports.
    let hint = super::shape::is_constant(&text).then(|| {
        let hint = format_ident!("the_dim_{name}_is_written_in_parentheses");
        quote! {
            #[doc(hidden)]
            #[allow(dead_code, non_camel_case_types)]
            #visibility struct #hint;
            #[doc(hidden)]
            #[allow(dead_code)]
            #visibility const #name: #hint = #hint;
        }
    });
    quote! {
        #(#attributes)*
        #[doc = #doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #visibility enum #name {}
        impl ::rustorch::typed::Dim for #name {
            const SIZE: ::core::option::Option<usize> = ::core::option::Option::None;
            const NAME: &'static str = #text;
        }
        impl ::rustorch::typed::FitsDim<#name> for #name {}
        impl ::rustorch::typed::FitsDim<::rustorch::typed::Any> for #name {}
        impl ::rustorch::typed::BroadcastDim<#name> for #name {
            type Output = #name;
        }
        impl ::rustorch::typed::BroadcastDim<::rustorch::typed::One> for #name {
            type Output = #name;
        }
        impl ::rustorch::typed::BroadcastDim<#name> for ::rustorch::typed::One {
            type Output = #name;
        }
        #hint
    }
}
