//! `fuse!`: `parse` (syntax) → `lower` (an expression graph; names and functions are checked here) → `differentiate` → `emit`
//! (the graph as text, which is both Rust and CUDA C) → `codegen`.

mod codegen;
pub mod differentiate;
pub mod emit;
pub mod functions;
pub mod graph;
mod lower;
mod parse;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

/// The most tensors of one expression: a kernel takes five inputs, and a gradient needs that of the result as well.
const MAX_OPERANDS: usize = 4;

/// The most numbers from outside the expression, as many as a kernel has parameters.
const MAX_NUMBERS: usize = 4;

/// Expands `fuse!(input)`.
pub fn expand(input: TokenStream) -> TokenStream {
    let parsed = match syn::parse2::<parse::Input>(input) {
        Ok(parsed) => parsed,
        Err(error) => return errors(error, &[]),
    };
    match lower::lower(&parsed) {
        Ok(lowered) => codegen::expression(&parsed, lowered),
        Err(error) => errors(error, &parsed.operands),
    }
}

/// An expression of no particular type that reports every error. The operands are mentioned, so that the compiler does
/// not report them as unused on top.
fn errors(error: syn::Error, operands: &[syn::Expr]) -> TokenStream {
    let mut reports: Vec<TokenStream> = error.into_iter().map(|error| error.to_compile_error()).collect();
    let last = reports.pop();
    quote!({ let _ = (#(&#operands,)*); #(#reports)* #last })
}
