//! The syntax of both forms.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, LitStr, Result, Token};

/// What stands between the parentheses of `einsum!`.
pub enum Input {
    /// `"ij,jk->ik", a, b`
    Text { spec: LitStr, operands: Vec<Expr> },
    /// `c[i, k] = a[i, j] * b[j, k]`
    Indexed { terms: Vec<Vec<Name>>, output: Vec<Name>, operands: Vec<Expr> },
}

/// One subscript of the index form.
pub struct Name {
    /// The index; `None` for an ellipsis.
    pub name: Option<String>,
    pub span: Span,
}

impl Input {
    /// The operands, in order.
    pub fn operands(&self) -> &[Expr] {
        match self {
            Input::Text { operands, .. } | Input::Indexed { operands, .. } => operands,
        }
    }
}

impl Parse for Input {
    fn parse(input: ParseStream) -> Result<Self> {
        if input.is_empty() {
            let message = "einsum!: expected subscripts and operands, as in einsum!(\"ij,jk->ik\", a, b)";
            return Err(syn::Error::new(Span::call_site(), message));
        }
        if input.peek(LitStr) { text(input) } else { indexed(input) }
    }
}

fn text(input: ParseStream) -> Result<Input> {
    let spec: LitStr = input.parse()?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    let operands = input.parse_terminated(Expr::parse, Token![,])?;
    Ok(Input::Text { spec, operands: operands.into_iter().collect() })
}

fn indexed(input: ParseStream) -> Result<Input> {
    let start = input.span();
    let tokens: Vec<TokenTree> = input.parse::<TokenStream>()?.into_iter().collect();
    let equals = tokens.iter().position(|token| is_punct(token, '='));
    let Some(equals) = equals else {
        return Err(syn::Error::new(
            start,
            "einsum!: expected a string literal, as in einsum!(\"ij,jk->ik\", a, b), or indices, as in \
             einsum!(c[i, k] = a[i, j] * b[j, k]); subscripts known only at run time go to rustorch::einsum",
        ));
    };
    let output = output(&tokens[..equals], start)?;
    let (mut terms, mut operands) = (Vec::new(), Vec::new());
    for term in products(&tokens[equals + 1..]) {
        let (operand, names) = operand(term, tokens[equals].span())?;
        operands.push(operand);
        terms.push(names);
    }
    Ok(Input::Indexed { terms, output, operands })
}

/// The output: a name, which is not bound, and its indices.
fn output(tokens: &[TokenTree], start: Span) -> Result<Vec<Name>> {
    match tokens {
        [TokenTree::Ident(_), TokenTree::Group(group)] if group.delimiter() == Delimiter::Bracket => {
            names.parse2(group.stream())
        }
        [TokenTree::Ident(name)] => Err(syn::Error::new(
            name.span(),
            format!(
                "einsum!: the output `{name}` needs its indices in brackets; a scalar result is written `{name}[]`"
            ),
        )),
        _ => Err(syn::Error::new(start, "einsum!: the output is a name with indices, as in c[i, k] = …")),
    }
}

/// Splits at the `*` between operands. One at the start of an operand is a dereference and stays with it.
fn products(tokens: &[TokenTree]) -> Vec<&[TokenTree]> {
    let mut terms = Vec::new();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        let dereference = tokens[start..at].iter().all(|token| is_punct(token, '*') || is_punct(token, '&'));
        if is_punct(token, '*') && !dereference {
            terms.push(&tokens[start..at]);
            start = at + 1;
        }
    }
    terms.push(&tokens[start..]);
    terms
}

/// One operand: any expression followed by its indices in brackets.
fn operand(tokens: &[TokenTree], before: Span) -> Result<(Expr, Vec<Name>)> {
    let Some((last, expression)) = tokens.split_last() else {
        return Err(syn::Error::new(before, "einsum!: expected an operand with indices, as in a[i, j]"));
    };
    if let Some(operator) =
        tokens.iter().find(|token| ['+', '-', '/', ','].iter().any(|&c| is_punct(token, c)))
    {
        let message = format!(
            "einsum!: operands are multiplied with `*`; `{operator}` cannot stand between them (for a sum, add the \
             results of two einsum!)"
        );
        return Err(syn::Error::new(operator.span(), message));
    }
    let text = || quote!(#(#tokens)*).to_string();
    match last {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket && !expression.is_empty() => {
            let operand = syn::parse2(expression.iter().cloned().collect())?;
            Ok((operand, names.parse2(group.stream())?))
        }
        _ => Err(syn::Error::new(
            last.span(),
            format!(
                "einsum!: operand `{}` needs its indices in brackets; a scalar operand is written `x[]`",
                text()
            ),
        )),
    }
}

/// `i, row, ..`
fn names(input: ParseStream) -> Result<Vec<Name>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let span = input.span();
        if input.peek(Token![...]) {
            input.parse::<Token![...]>()?;
            found.push(Name { name: None, span });
        } else if input.peek(Token![..]) {
            input.parse::<Token![..]>()?;
            found.push(Name { name: None, span });
        } else {
            let expected =
                "einsum!: an index is a name, such as `i` or `row`, or `..` for any number of axes";
            let ident: Ident = input.parse().map_err(|_| syn::Error::new(span, expected))?;
            found.push(Name { name: Some(ident.to_string()), span });
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(found)
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
