//! Expressions. Those that bodies consist of, calls, names, numbers, lists and arithmetic, are read here straight from the tokens. syn's parser,
//! which asks for everything that may begin or go on an expression, takes several times as long where a macro is compiled without
//! optimisation; it reads all others.

use proc_macro2::{Delimiter, Ident, Spacing};
use syn::buffer::Cursor;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{BinOp, Expr, Lit, LitBool, Token, UnOp, token};

/// An expression, exactly as syn reads it.
pub(super) fn expr(input: ParseStream) -> syn::Result<Expr> {
    let plain = input.step(|start| {
        let read = sum(*start).filter(|(_, rest)| ends(*rest));
        Ok(read.map_or((None, *start), |(expr, rest)| (Some(expr), rest)))
    })?;
    match plain {
        Some(expr) => Ok(expr),
        None => input.parse(),
    }
}

/// Whether an expression ends here, whatever syn knows of.
fn ends(rest: Cursor<'_>) -> bool {
    rest.eof() || matches!(rest.punct(), Some((punct, _)) if matches!(punct.as_char(), ',' | ';'))
}

/// `a * b + c`
fn sum(start: Cursor<'_>) -> Option<(Expr, Cursor<'_>)> {
    let (mut left, mut rest) = product(start)?;
    while let Some((op, behind)) = operator(rest, ['+', '-']) {
        let (right, next) = product(behind)?;
        (left, rest) = (binary(left, op, right), next);
    }
    Some((left, rest))
}

/// `a * b`
fn product(start: Cursor<'_>) -> Option<(Expr, Cursor<'_>)> {
    let (mut left, mut rest) = operand(start)?;
    while let Some((op, behind)) = operator(rest, ['*', '/']) {
        let (right, next) = operand(behind)?;
        (left, rest) = (binary(left, op, right), next);
    }
    Some((left, rest))
}

/// One of the operators; not a part of a longer one, such as `+=`.
fn operator(start: Cursor<'_>, signs: [char; 2]) -> Option<(BinOp, Cursor<'_>)> {
    let (punct, rest) = start.punct()?;
    if punct.spacing() == Spacing::Joint || !signs.contains(&punct.as_char()) {
        return None;
    }
    let span = punct.span();
    let op = match punct.as_char() {
        '+' => BinOp::Add(Token![+](span)),
        '-' => BinOp::Sub(Token![-](span)),
        '*' => BinOp::Mul(Token![*](span)),
        _ => BinOp::Div(Token![/](span)),
    };
    Some((op, rest))
}

fn binary(left: Expr, op: BinOp, right: Expr) -> Expr {
    Expr::Binary(syn::ExprBinary { attrs: Vec::new(), left: Box::new(left), op, right: Box::new(right) })
}

/// A name, number, call, list, or what is in parentheses or behind a minus.
fn operand(start: Cursor<'_>) -> Option<(Expr, Cursor<'_>)> {
    // What a macro was given is one operand, whatever its operators.
    if start.group(Delimiter::None).is_some() {
        return None;
    }
    let attrs = Vec::new();
    if let Some((name, rest)) = start.ident() {
        let text = name.to_string();
        if text == "true" || text == "false" {
            let lit = Lit::Bool(LitBool { value: text == "true", span: name.span() });
            return Some((Expr::Lit(syn::ExprLit { attrs, lit }), rest));
        }
        if KEYWORDS.binary_search(&&*text).is_ok() {
            return None;
        }
        return match rest.group(Delimiter::Parenthesis) {
            Some((inside, span, rest)) => {
                let (paren_token, args) = (token::Paren { span }, list(inside, true)?);
                let call = syn::ExprCall { attrs, func: Box::new(path(name)), paren_token, args };
                Some((Expr::Call(call), rest))
            }
            None => Some((path(name), rest)),
        };
    }
    if let Some((literal, rest)) = start.literal() {
        return Some((Expr::Lit(syn::ExprLit { attrs, lit: Lit::new(literal) }), rest));
    }
    if let Some((inside, span, rest)) = start.group(Delimiter::Bracket) {
        let bracket_token = token::Bracket { span };
        return Some((
            Expr::Array(syn::ExprArray { attrs, bracket_token, elems: list(inside, false)? }),
            rest,
        ));
    }
    if let Some((inside, span, rest)) = start.group(Delimiter::Parenthesis) {
        let (expr, end) = sum(inside)?;
        let paren_token = token::Paren { span };
        let paren = || Expr::Paren(syn::ExprParen { attrs, paren_token, expr: Box::new(expr) });
        return end.eof().then(|| (paren(), rest));
    }
    let (punct, rest) = start.punct()?;
    if punct.as_char() != '-' || punct.spacing() == Spacing::Joint {
        return None;
    }
    let (expr, rest) = operand(rest)?;
    // A method is called on the operand before its sign changes.
    (!goes_on(rest)).then_some(())?;
    let op = UnOp::Neg(Token![-](punct.span()));
    Some((Expr::Unary(syn::ExprUnary { attrs, op, expr: Box::new(expr) }), rest))
}

/// Whether an operand goes on: by a method, an index, or a further call.
fn goes_on(rest: Cursor<'_>) -> bool {
    rest.any_group().is_some()
        || matches!(rest.punct(), Some((punct, _)) if matches!(punct.as_char(), '.' | '?'))
}

/// Expressions separated by commas; arguments may have a name before `=`.
fn list(inside: Cursor<'_>, has_names: bool) -> Option<Punctuated<Expr, Token![,]>> {
    let (mut all, mut rest) = (Punctuated::new(), inside);
    while !rest.eof() {
        let (mut value, mut behind) = sum(rest)?;
        if let (true, Some((equals, next))) = (has_names, behind.punct())
            && (equals.as_char(), equals.spacing()) == ('=', Spacing::Alone)
        {
            let (right, end) = sum(next)?;
            let (left, right) = (Box::new(value), Box::new(right));
            let eq_token = Token![=](equals.span());
            value = Expr::Assign(syn::ExprAssign { attrs: Vec::new(), left, eq_token, right });
            behind = end;
        }
        all.push_value(value);
        if behind.eof() {
            break;
        }
        let (comma, next) = behind.punct().filter(|(punct, _)| punct.as_char() == ',')?;
        all.push_punct(Token![,](comma.span()));
        rest = next;
    }
    Some(all)
}

fn path(name: Ident) -> Expr {
    Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path: name.into() })
}

/// Names that are none of a tensor, layer, size or function, in order.
const KEYWORDS: [&str; 50] = [
    "Self", "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct",
    "super", "trait", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::{Group, TokenStream};
    use quote::{ToTokens, quote};
    use syn::parse::Parser;

    /// The expression with every operation in brackets, so that its structure shows.
    fn structure(expr: &Expr) -> String {
        let all = |list: &Punctuated<Expr, Token![,]>| {
            list.iter().map(structure).collect::<Vec<_>>().join(", ")
                + if list.trailing_punct() { "," } else { "" }
        };
        match expr {
            Expr::Binary(it) => format!(
                "⟨{} {:?} {}⟩",
                structure(&it.left),
                it.op.to_token_stream().to_string(),
                structure(&it.right)
            ),
            Expr::Unary(it) => format!("⟨- {}⟩", structure(&it.expr)),
            Expr::Call(it) => format!("{}({})", structure(&it.func), all(&it.args)),
            Expr::Array(it) => format!("[{}]", all(&it.elems)),
            Expr::Paren(it) => format!("({})", structure(&it.expr)),
            Expr::Assign(it) => format!("⟨{} = {}⟩", structure(&it.left), structure(&it.right)),
            Expr::Path(it) => format!("path {}", it.to_token_stream()),
            Expr::Lit(it) => format!("lit {}", it.to_token_stream()),
            other => format!("other {}", other.to_token_stream()),
        }
    }

    fn is_plain(tokens: TokenStream) -> bool {
        let read = |input: ParseStream| {
            input.step(|start| {
                let read = sum(*start).is_some_and(|(_, rest)| ends(rest));
                let mut rest = *start;
                while let Some((_, next)) = rest.token_tree() {
                    rest = next;
                }
                Ok((read, rest))
            })
        };
        read.parse2(tokens).expect("a cursor reads what it is given")
    }

    #[test]
    fn expressions_are_those_of_syn() {
        for (text, plain) in [
            ("x", true),
            ("-1", true),
            ("2.5e-3", true),
            ("true", true),
            ("relu(conv1(x))", true),
            ("x + a * b - c / d * e", true),
            ("(x - y) * -z", true),
            ("reshape(x, [batch, seq, HEADS, D / HEADS],)", true),
            ("attention(q, k, v, causal = true, scale = 1.0 / 8.0)", true),
            ("f()", true),
            ("[]", true),
            ("cat([x, y], dim = -1)", true),
            ("type_of(x)", true),
            ("gelu(x, approximate = \"tanh\")", true),
            ("-x.relu()", false),
            ("x.relu() + y", false),
            ("f(x).relu()", false),
            ("x[0]", false),
            ("f(x)(y)", false),
            ("self.training", false),
            ("x as f64 * 2.0", false),
            ("x += y", false),
            ("a == b", false),
            ("a::b(x)", false),
            ("einsum!(\"ij->ji\", x)", false),
            ("(x, y)", false),
            ("[0; 4]", false),
            ("f(_, 1)", false),
            ("0..4", false),
            ("Name { a: 1 }", false),
            ("if a { b } else { c }", false),
            ("&x", false),
            ("!x", false),
            ("x < y", false),
            ("x -= 1", false),
        ] {
            let tokens: TokenStream = text.parse().expect("tokens");
            assert_eq!(is_plain(tokens.clone()), plain, "{text}");
            let (own, theirs) = (expr.parse2(tokens.clone()), syn::parse2::<Expr>(tokens));
            let (own, theirs) = (own.expect("an expression"), theirs.expect("an expression"));
            assert_eq!(structure(&own), structure(&theirs), "{text}");
        }
    }

    #[test]
    fn what_a_macro_was_given_is_one_operand() {
        let group = Group::new(Delimiter::None, quote!(a + b));
        let tokens = quote!(#group * c);
        assert!(!is_plain(tokens.clone()));
        let read = expr.parse2(tokens).expect("an expression");
        assert!(matches!(read, Expr::Binary(binary) if matches!(binary.op, BinOp::Mul(_))));
    }

    #[test]
    fn mistakes_are_reported_by_syn() {
        for text in ["", "x +", "f(x", "f(x y)", "let", "/ x", "f(, x)"] {
            let Ok(tokens) = text.parse::<TokenStream>() else { continue };
            let (own, theirs) = (expr.parse2(tokens.clone()), syn::parse2::<Expr>(tokens));
            let message = |result: syn::Result<Expr>| result.err().map(|error| error.to_string());
            assert!(theirs.is_err(), "{text}");
            assert_eq!(message(own), message(theirs), "{text}");
        }
    }
}
