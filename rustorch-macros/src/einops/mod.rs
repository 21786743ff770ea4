//! `rearrange!`, `reduce!` and `repeat!`: `parse` (syntax) → `rustorch_shape::einops` (the pattern) → `codegen`.

mod codegen;
pub(crate) mod parse;
mod signature;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::einops::{Operation, Pattern};
use syn::Error;

/// Expands `operation!(input)`.
pub fn expand(operation: Operation, input: TokenStream) -> TokenStream {
    let parser = |stream: syn::parse::ParseStream| parse::Input::parse(operation, stream);
    let parsed = match syn::parse::Parser::parse2(parser, input) {
        Ok(parsed) => parsed,
        Err(error) => return error.to_compile_error(),
    };
    match check(operation, &parsed) {
        Ok(pattern) => codegen::expression(&parsed, &pattern),
        Err(error) => {
            let (report, operand) = (error.to_compile_error(), &parsed.operand);
            quote!({ let _ = &#operand; #report })
        }
    }
}

/// The pattern, or its first mistake at the size it is about or at the text, with a caret under the place.
pub(crate) fn check(operation: Operation, input: &parse::Input) -> syn::Result<Pattern> {
    let text = input.pattern.value();
    let names: Vec<String> = input.sizes.iter().map(|(name, _)| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Pattern::parse(operation, &text, &names).map_err(|error| {
        let span = error.size.map_or(input.pattern.span(), |size| input.sizes[size].0.span());
        Error::new(span, format!("{}!: {}", operation.name(), error.render(&text)))
    })
}
