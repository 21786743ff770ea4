//! `einsum!`: `parse` (syntax) → `check` (specification, operand count) → `codegen`.

pub(crate) mod check;
mod codegen;
pub(crate) mod parse;
mod signature;
#[cfg(test)]
mod tests;

pub use codegen::Purpose;
pub(crate) use codegen::{MAX_TYPED_RANK, hidden};
use proc_macro2::TokenStream;
use quote::quote;

/// Expands `einsum!(input)` or `einsum_path!(input)`.
pub fn expand(input: TokenStream, purpose: Purpose) -> TokenStream {
    let parsed = match syn::parse2::<parse::Input>(input) {
        Ok(parsed) => parsed,
        Err(error) => return errors(error, &[]),
    };
    match check::check(&parsed) {
        Ok(spec) => codegen::expression(&parsed, &spec, purpose),
        Err(error) => errors(error, parsed.operands()),
    }
}

/// An expression of no particular type that reports every error. The operands are mentioned, so that the compiler does
/// not report them as unused on top.
fn errors(error: syn::Error, operands: &[syn::Expr]) -> TokenStream {
    let mut reports: Vec<TokenStream> = error.into_iter().map(|error| error.to_compile_error()).collect();
    let last = reports.pop();
    quote!({ let _ = (#(&#operands,)*); #(#reports)* #last })
}
