//! `model!`: a declared network becomes a struct of layers and a forward pass whose shapes are checked here.
//!
//! ```text
//! tokens ─parse─► ast::Model ─resolve─► ir::Model ─check─► Checked ─lower─► Program ─compile─► Region ─codegen─► tokens
//!        syntax             names, tables        shapes           calls in order       kernels, lifetimes
//! ```
//!
//! Every stage can be tested alone. The first three report to one [`Errors`] and carry on, so that
//! several mistakes are reported in one go; what depends on a mistake is left alone, so that each is
//! reported once. If there were any, [`codegen::stub`] emits the struct with a `forward` that has no
//! body, and no error follows from the first.

mod ast;
mod callee;
mod check;
mod codegen;
mod compile;
mod errors;
mod ir;
mod lower;
mod parse;
mod pattern;
mod resolve;
#[cfg(test)]
mod tests;

use errors::Errors;
use proc_macro2::TokenStream;

/// The expansion of `model!`, of one model after the other.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut expansion = TokenStream::new();
    let mut rest = input;
    loop {
        let mut errors = Errors::default();
        let (ast, following) = parse::parse(rest, &mut errors);
        expansion.extend(match ast {
            Some(ast) => model(ast, errors),
            None => errors.into_tokens(),
        });
        if following.is_empty() {
            return expansion;
        }
        rest = following;
    }
}

fn model(ast: ast::Model, mut errors: Errors) -> TokenStream {
    let ast = parse::desugar(ast, &mut errors);
    let model = resolve::resolve(&ast, &mut errors);
    let mut checked = check::check(&model, &mut errors);
    if errors.is_empty() {
        let program = lower::lower(&model, &checked);
        // The compiled pass has a program of its own where that differs.
        let parts = lower::has_composites(&model, &checked, &program).then(|| {
            let program = lower::lower(&model, &checked);
            lower::composites(&model, &mut checked, program)
        });
        let parts = parts.as_ref().unwrap_or(&program);
        let compiled = compile::compile(&model, &checked, parts);
        return codegen::generate(&model, &checked, &program, compiled.as_ref().map(|pass| (parts, pass)));
    }
    let stub = codegen::stub(&model);
    let errors = errors.into_tokens();
    quote::quote!(#errors #stub)
}
