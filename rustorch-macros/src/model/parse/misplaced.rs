//! What stands in a `model!` and belongs behind it: methods, `impl` blocks, other items of Rust.

use super::super::errors::Errors;
use super::is_group;
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Words with which items of Rust begin that are no models.
const ITEMS: [&str; 8] = ["impl", "fn", "use", "const", "static", "mod", "trait", "type"];

/// Refuses items before the first model, or behind the last one; the rest.
pub(super) fn items(tokens: TokenStream, errors: &mut Errors) -> TokenStream {
    let mut rest: Vec<TokenTree> = tokens.into_iter().collect();
    while let Some((word, end)) = item(&rest) {
        let message = message(word);
        errors.at(word, message);
        rest.drain(..end);
    }
    rest.into_iter().collect()
}

fn message(word: &Ident) -> String {
    match word.to_string().as_str() {
        "impl" | "fn" => "methods of your own stand behind `model! { .. }`, in an `impl` of the model".into(),
        word if ITEMS.contains(&word) => format!("`{word}` stands before `model! {{ .. }}`, or behind it"),
        _ => "a model has one pass, called `forward`: make another model of these steps, or let `forward` give several outputs".into(),
    }
}

/// Refuses functions between the layers of a model and its forward pass, if that follows; the rest.
pub(super) fn functions(tokens: TokenStream, errors: &mut Errors) -> TokenStream {
    let mut rest: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is_function = |(word, _): &(&Ident, usize)| {
        let name = rest.iter().position(|token| matches!(token, TokenTree::Ident(other) if other == *word));
        let name = name.and_then(|at| rest.get(at + 1));
        *word == "fn" && !matches!(name, Some(TokenTree::Ident(name)) if *name == "forward")
    };
    let Some((word, end)) = item(&rest).filter(is_function) else { return tokens };
    let is_pass = |pair: &[TokenTree]| matches!(pair, [TokenTree::Ident(name), inputs] if *name == "forward" && is_group(inputs, Delimiter::Parenthesis));
    if !rest[end..].windows(2).any(is_pass) {
        return tokens;
    }
    errors.at(word, message(word));
    rest.drain(..end);
    functions(rest.into_iter().collect(), errors)
}

/// The word with which an item begins that stands first here, and where it ends.
fn item(tokens: &[TokenTree]) -> Option<(&Ident, usize)> {
    let mut at = 0;
    loop {
        match tokens.get(at)? {
            TokenTree::Punct(punct) if punct.as_char() == '#' => at += 2,
            TokenTree::Ident(name) if name == "pub" => {
                at += 1;
                at += usize::from(tokens.get(at).is_some_and(|next| is_group(next, Delimiter::Parenthesis)));
            }
            TokenTree::Ident(word) => {
                // `predict(x: [batch, 4]) -> ..`; a name with parentheses and braces is read as a class of Python.
                let is_pass = tokens.get(at + 1).is_some_and(|next| is_group(next, Delimiter::Parenthesis))
                    && matches!(tokens.get(at + 2), Some(TokenTree::Punct(arrow)) if arrow.as_char() == '-');
                if !is_pass && !ITEMS.iter().any(|item| word == item) {
                    return None;
                }
                let is_end = |token: &TokenTree| match token {
                    TokenTree::Punct(punct) => punct.as_char() == ';',
                    other => is_group(other, Delimiter::Brace),
                };
                let end = tokens[at..].iter().position(is_end).map_or(tokens.len(), |end| at + end + 1);
                return Some((word, end));
            }
            _ => return None,
        }
    }
}
