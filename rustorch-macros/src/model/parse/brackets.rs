//! `x[.., 0..4]`: Rust has one expression in brackets, so several components become a tuple before syn reads them.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The tokens with the components of every index in parentheses: `x[(.., 0..4)]`.
pub(super) fn tuples(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let TokenTree::Group(group) = token else {
            out.push(token);
            continue;
        };
        // The arguments of a macro are its own.
        let is_macro = matches!(out.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
        let inner = if is_macro { group.stream() } else { tuples(group.stream()) };
        let is_index = group.delimiter() == Delimiter::Bracket && out.last().is_some_and(ends_expression);
        let inner = if is_index && has_comma(&inner) { parenthesized(inner, &group) } else { inner };
        let mut replaced = Group::new(group.delimiter(), inner);
        replaced.set_span(group.span());
        out.push(TokenTree::Group(replaced));
    }
    out.into_iter().collect()
}

/// Whether brackets after this token are an index.
fn ends_expression(token: &TokenTree) -> bool {
    const KEYWORDS: [&str; 6] = ["in", "return", "let", "if", "match", "else"];
    match token {
        TokenTree::Ident(name) => !KEYWORDS.contains(&name.to_string().as_str()),
        TokenTree::Group(group) => matches!(group.delimiter(), Delimiter::Parenthesis | Delimiter::Bracket),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    }
}

fn has_comma(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
}

fn parenthesized(tokens: TokenStream, like: &Group) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(like.span());
    TokenTree::Group(group).into()
}
