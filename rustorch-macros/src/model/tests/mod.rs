//! The stages by hand; what a compiler says of whole programs is in `ui-tests`.

mod cut;
mod half_written;
mod large;
mod messages;
mod stages;

use super::errors::Errors;
use super::{check, expand, ir, parse, resolve};
use proc_macro2::TokenStream;

/// Parses, resolves and checks.
fn run(source: &str) -> (Option<(ir::Model, check::Checked)>, Vec<String>) {
    let tokens: TokenStream = source.parse().expect("the test is made of tokens");
    let mut errors = Errors::default();
    let stages = parse::parse(tokens, &mut errors).0.map(|ast| {
        let ast = parse::desugar(ast, &mut errors);
        let model = resolve::resolve(&ast, &mut errors);
        let checked = check::check(&model, &mut errors);
        (model, checked)
    });
    (stages, errors.messages())
}

/// The only message of a wrong model.
fn message(source: &str) -> String {
    let (_, messages) = run(source);
    assert_eq!(messages.len(), 1, "one mistake, one error: {messages:#?}");
    assert!(syn::parse2::<syn::File>(expand(source.parse().unwrap())).is_ok(), "the stub is made of items");
    messages.into_iter().next().unwrap()
}

/// The expansion of a correct model.
fn expansion(source: &str) -> String {
    let (_, messages) = run(source);
    assert!(messages.is_empty(), "{messages:#?}");
    let file: syn::File = syn::parse2(expand(source.parse().unwrap())).expect("items");
    quote::ToTokens::to_token_stream(&file).to_string()
}

/// A model whose fields and body are `fields` and `body`, from `[batch, 1, 28, 28]`.
fn image(fields: &str, output: &str, body: &str) -> String {
    format!(
        "Net<const D: usize, const E: usize> {{ {fields} }} forward(x: [batch, 1, 28, 28]) -> {output} {{ {body} }}"
    )
}
