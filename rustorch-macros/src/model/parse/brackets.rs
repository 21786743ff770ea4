//! What Rust's expressions do not have, before syn reads them: `x[.., 0..4]` becomes an index by a tuple, and what PyTorch
//! writes with a colon is reported in the words of this language.

use super::super::errors::Errors;
use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use syn::buffer::Cursor;

/// Whether [`tuples`] may change or report anything behind `rest`; `is_operand` if that is the inside of what follows an expression. Most
/// bodies have no index, and looking is cheaper than making the same tokens again.
pub(super) fn concern(mut rest: Cursor<'_>, is_operand: bool) -> bool {
    let (mut follows_expression, mut follows_let) = (false, false);
    while !rest.eof() {
        if let Some((inside, delimiter, _, next)) = rest.any_group() {
            // Behind `let`, brackets are reported as a whole, for which they need one span.
            let is_concern = delimiter == Delimiter::Bracket && (follows_expression || follows_let);
            if is_concern || concern(inside, follows_expression) {
                return true;
            }
            follows_expression = matches!(delimiter, Delimiter::Parenthesis | Delimiter::Bracket);
            rest = next;
        } else if let Some((name, next)) = rest.ident() {
            (follows_expression, follows_let) = (is_name(&name), name == "let");
            rest = next;
            continue;
        } else if let Some((punct, next)) = rest.punct() {
            if is_operand && punct.as_char() == ':' {
                return true;
            }
            follows_expression = false;
            rest = next;
        } else if let Some((_, next)) = rest.token_tree() {
            follows_expression = false;
            rest = next;
        }
        follows_let = false;
    }
    false
}

/// The tokens with the components of every index in parentheses: `x[(.., 0..4)]`.
pub(super) fn tuples(tokens: TokenStream, errors: &mut Errors) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let TokenTree::Group(group) = token else {
            out.push(token);
            continue;
        };
        // The arguments of a macro are its own, unless they are operands behind a pattern.
        let is_macro = matches!(out.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!')
            && !matches!(group.stream().into_iter().next(), Some(TokenTree::Literal(_)));
        let follows_expression = out.last().is_some_and(ends_expression);
        if !is_macro && follows_expression {
            colons(&group, errors);
        }
        let inner = if is_macro { group.stream() } else { tuples(group.stream(), errors) };
        let is_index = group.delimiter() == Delimiter::Bracket && follows_expression;
        let inner = if is_index && has_comma(&inner) { parenthesized(inner, &group) } else { inner };
        let mut replaced = Group::new(group.delimiter(), inner);
        replaced.set_span(group.span());
        out.push(TokenTree::Group(replaced));
    }
    out.into_iter().collect()
}

/// Reports `x[:, 0]` and `softmax(x, dim: 1)`.
fn colons(group: &Group, errors: &mut Errors) {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    let is_colon =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    for (position, token) in tokens.iter().enumerate() {
        let TokenTree::Punct(punct) = token else { continue };
        let next = tokens.get(position + 1);
        let is_path = punct.spacing() == Spacing::Joint && is_colon(next);
        let is_second = position > 0 && is_colon(tokens.get(position - 1));
        let names = matches!(next, Some(TokenTree::Ident(_)))
            || matches!(tokens.get(position + 2), Some(TokenTree::Ident(_)));
        if punct.as_char() != ':' || is_second || (is_path && names) {
            continue;
        }
        match (group.delimiter(), position.checked_sub(1).and_then(|before| tokens.get(before))) {
            (Delimiter::Bracket, _) => {
                errors.at(punct, "a range has two dots: `..` is the whole axis, `1..5` a part, `(0..8).step_by(2)` every second position");
                return;
            }
            (Delimiter::Parenthesis, Some(TokenTree::Ident(name))) if !is_path => {
                errors.at(punct, format!("an argument by name is written with `=`: `{name} = ..`"));
            }
            _ => {}
        }
    }
}

/// Whether brackets after this token are an index.
fn ends_expression(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(name) => is_name(name),
        TokenTree::Group(group) => matches!(group.delimiter(), Delimiter::Parenthesis | Delimiter::Bracket),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    }
}

/// Whether this is no keyword that brackets may follow.
fn is_name(word: &Ident) -> bool {
    !["in", "return", "let", "if", "match", "else"].contains(&word.to_string().as_str())
}

fn has_comma(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
}

fn parenthesized(tokens: TokenStream, like: &Group) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(like.span());
    TokenTree::Group(group).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse::{ParseStream, Parser};

    #[test]
    fn what_is_of_no_concern_stays_as_it_is() {
        for (text, expected) in [
            ("let h: [batch, seq] = block(x); relu(h)", false),
            ("for i in [0, 1] { x = f(x, [a, b], dim = -1); }", false),
            ("let y = cat([x, y], 1); (x, y)", false),
            ("let [a, b] = x;", true),
            ("x[.., 0..4]", true),
            ("f(x[0])", true),
            ("{ x.y()[1] }", true),
            ("softmax(x, dim: 1)", true),
            ("f(g(a::b))", true),
        ] {
            let tokens: TokenStream = text.parse().expect("tokens");
            let look = |input: ParseStream| {
                let found = concern(input.cursor(), false);
                input.parse::<TokenStream>().map(|_| found)
            };
            assert_eq!(look.parse2(tokens.clone()).expect("tokens"), expected, "{text}");
            let mut errors = Errors::default();
            let after = tuples(tokens.clone(), &mut errors);
            if !expected {
                assert!(errors.is_empty(), "{text}");
                assert_eq!(after.to_string(), tokens.to_string());
            }
        }
    }
}
