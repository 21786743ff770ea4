//! What stands in a Python program where this language has something else: found before Rust's own grammar stumbles over it,
//! and reported with what to write.

use super::super::ast::FieldValue;
use super::super::errors::{Errors, source};
use proc_macro2::{Delimiter, TokenTree};
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token, token};

const NO_AT: &str = "Rust has no `@`: write `matmul(a, b)`";

/// `# a comment`, which in Rust begins an attribute.
pub(super) fn comment(input: ParseStream) -> syn::Result<()> {
    let is_attribute = input.peek2(token::Bracket) || input.peek2(Token![!]);
    match input.peek(Token![#]) && !is_attribute {
        true => Err(input.error("a comment begins with `//`")),
        false => Ok(()),
    }
}

/// The field that a comment swallows: the last name before a `:`, up to the next comma.
pub(super) fn commented_field(input: ParseStream) -> Option<Ident> {
    let (ahead, mut field) = (input.fork(), None);
    while !ahead.is_empty() && !ahead.peek(Token![,]) {
        if ahead.peek(Ident) && ahead.peek2(Token![:]) {
            field = ahead.parse().ok();
        } else {
            ahead.parse::<TokenTree>().ok()?;
        }
    }
    field
}

/// `self.` before the name of a field that is declared: whether it was there, which has been said.
pub(super) fn own_prefix(input: ParseStream, errors: &mut Errors) -> syn::Result<bool> {
    let is_there = input.peek(Token![self]) && input.peek2(Token![.]);
    if is_there {
        errors.push(
            input.error("leave out `self.`: a field is declared by its name, as in `fc: Linear(64, 10)`"),
        );
        input.parse::<Token![self]>()?;
        input.parse::<Token![.]>()?;
    }
    Ok(is_there)
}

/// `nn.` before the name of a layer, which has been read as `path`.
pub(super) fn module_prefix(path: &syn::Path, input: ParseStream) -> syn::Result<()> {
    if !input.peek(Token![.]) {
        return Ok(());
    }
    let mut module = source(path);
    let mut last = None;
    while input.parse::<Option<Token![.]>>()?.is_some() {
        if let Some(name) = last.replace(input.parse::<Ident>()?) {
            module = format!("{module}.{name}");
        }
    }
    let layer = last.map_or_else(|| "Linear".to_owned(), |name| name.to_string());
    Err(syn::Error::new_spanned(
        path,
        format!("leave out `{module}.`: layers go by their names, as in `{layer}(..)`"),
    ))
}

/// What follows a layer that in Python goes on: `Linear(D, D) * 4`, `Linear(D, D) if DEEP`.
pub(super) fn behind_layer(layer: &FieldValue, input: ParseStream) -> syn::Result<()> {
    let name = match layer {
        FieldValue::Layer(call) => source(&call.path),
        FieldValue::Submodel(ty) | FieldValue::Submodels(ty, _) => {
            source(ty).replace(" < ", "<").replace(" >", ">")
        }
        FieldValue::Layers(call, _) => source(&call.path),
        FieldValue::Optional(..) | FieldValue::Broken(_) => return Ok(()),
    };
    let args = if matches!(layer, FieldValue::Layer(call) if call.called) { "(..)" } else { "" };
    if input.peek(Token![*]) {
        return Err(input.error(format!("layers of one kind are an array: `[{name}{args}; 4]`")));
    }
    if input.peek(Token![if]) && matches!(layer, FieldValue::Layer(_) | FieldValue::Submodel(_)) {
        return Err(input
            .error(format!("what is there under a condition is an `Option`: `Option<{name}>{args} if ..`")));
    }
    Ok(())
}

/// What stands where a layer was expected.
pub(super) fn no_layer(input: ParseStream) -> syn::Error {
    if input.peek(syn::LitStr) {
        return input.error("a layer is not chosen by a string: write its name, as in `act: ReLU`");
    }
    input.error("expected a layer or a model, as in `Linear(_, 128)` or `Block<D>`")
}

/// `class Net(nn.Module) {`: leaves the name to be read. Whether the word was there, which has been said.
pub(super) fn class(input: ParseStream, errors: &mut Errors) -> syn::Result<bool> {
    let word: Option<Ident> = input.fork().parse().ok();
    if let Some(word) = word.filter(|word| word == "class" || word == "model")
        && input.peek2(syn::Ident)
    {
        let message = format!("leave out `{word}`: a model begins with its name, `pub Name {{ .. }}`");
        errors.push(input.error(message));
        input.parse::<Ident>()?;
        return Ok(true);
    }
    Ok(false)
}

/// `(nn.Module)` between a model's name and its layers.
pub(super) fn base(input: ParseStream, errors: &mut Errors) -> syn::Result<()> {
    if input.peek(token::Paren) && input.peek2(token::Brace) {
        let inside = input.fork().parse::<TokenTree>()?.to_string();
        errors.push(input.error(match inside.contains("Module") {
            true => "leave out the parentheses: what `model!` declares is a `Module` anyway",
            false => "parameters stand between `<` and `>`, as in `Net<const D: usize, const HEADS: usize>`",
        }));
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// `def forward(..)`: leaves the name to be read.
pub(super) fn def(input: ParseStream, errors: &mut Errors) -> syn::Result<()> {
    let word: Option<Ident> = input.fork().parse().ok();
    if word.is_some_and(|word| word == "def") && input.peek2(syn::Ident) {
        errors.push(input.error("leave out `def`: write `forward(x: [batch, ..]) -> [batch, ..] { .. }`"));
        input.parse::<Ident>()?;
    }
    Ok(())
}

/// What follows an expression that in Python goes on: `a if condition else b`, `a @ b`, `lambda x: ..`.
pub(super) fn behind(expr: &Expr, input: ParseStream) -> syn::Result<()> {
    let is_lambda = matches!(expr, Expr::Path(path) if path.path.is_ident("lambda"));
    if is_lambda && !input.peek(Token![;]) {
        return Err(syn::Error::new_spanned(
            expr,
            "closures cannot be used in a forward pass: write the steps out",
        ));
    }
    if input.peek(Token![if]) {
        let first = source(expr);
        let message = format!("the condition comes first: `if self.training {{ {first} }} else {{ .. }}`");
        return Err(input.error(message));
    }
    let next = input.fork().parse::<Ident>().map_or(String::new(), |word| word.to_string());
    let is_not = matches!(expr, Expr::Path(path) if path.path.is_ident("not"));
    match next.as_str() {
        _ if is_not && !next.is_empty() => {
            return Err(syn::Error::new_spanned(expr, format!("Rust has no `not`: write `!{next}`")));
        }
        "and" => return Err(input.error("masks are combined element by element: write `&`")),
        "or" => return Err(input.error("masks are combined element by element: write `|`")),
        _ => {}
    }
    if input.peek(Token![@]) {
        return Err(input.error(NO_AT));
    }
    Ok(())
}

/// A word among these tokens that is an operator in Python.
pub(super) fn operator(tokens: &[TokenTree]) -> Option<syn::Error> {
    let mut is_condition = false;
    for (at, token) in tokens.iter().enumerate() {
        is_condition |= matches!(token, TokenTree::Ident(word) if word == "if" || word == "match");
        match token {
            TokenTree::Group(group) => {
                is_condition &= group.delimiter() != Delimiter::Brace;
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                if let Some(error) = operator(&inner) {
                    return Some(error);
                }
            }
            TokenTree::Ident(word) => {
                let is_before = |token: &TokenTree| !matches!(token, TokenTree::Punct(_));
                let follows = tokens.get(at + 1).is_some_and(is_before);
                let precedes = at > 0 && is_before(&tokens[at - 1]);
                let is_behind_word = at > 0
                    && matches!(&tokens[at - 1], TokenTree::Ident(word) if ["if", "and", "or"].iter().any(|other| word == other));
                let message = match word.to_string().as_str() {
                    "and" if follows && precedes && is_condition => "conditions are combined by `&&`",
                    "or" if follows && precedes && is_condition => "conditions are combined by `||`",
                    "and" if follows && precedes => "masks are combined element by element: write `&`",
                    "or" if follows && precedes => "masks are combined element by element: write `|`",
                    "not" if follows && (!precedes || is_behind_word) => "Rust has no `not`: write `!`",
                    "is" if follows && precedes => {
                        "Rust has no `is`: values are compared by `==`, and an input is always there"
                    }
                    "if" if precedes => {
                        "the condition comes first: `let y = if self.training { .. } else { .. };`"
                    }
                    _ => continue,
                };
                return Some(syn::Error::new(word.span(), message));
            }
            TokenTree::Punct(punct) if punct.as_char() == '@' => {
                return Some(syn::Error::new(punct.span(), NO_AT));
            }
            _ => {}
        }
    }
    None
}

/// `[b, c, h, w]` where names are bound.
pub(super) fn list_of_names(input: ParseStream) -> syn::Error {
    input.error(
        "sizes are not taken out of a tensor: they have the names that stand in the shape of an input, as in `x: [batch, seq, D]`; several tensors are bound in parentheses, `let (a, b) = ..`",
    )
}
