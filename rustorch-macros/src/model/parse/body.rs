//! The body of `forward`: a small language of `let`, assignment, `for`, `if` and expressions.
//!
//! It is read here rather than by syn's statement parser, since a shape after `let h:` is not a type of Rust.

use super::super::ast::{Block, Branch, BranchKind, Condition, Loop, Pattern, Statement, Value};
use super::super::errors::{Errors, source};
use super::shapes::{pattern, shapes};
use super::{brackets, ended_early, expr::expr, python};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Token, braced, parenthesized, token};

/// The statements of a block; a wrong one is reported, and the names that it gave a value are known. `None` if its brackets are wrong.
pub(super) fn block(tokens: TokenStream, span: Span, errors: &mut Errors) -> Option<Block> {
    let mut block = Block { statements: Vec::new(), tail: None, span };
    let mut failed = false;
    let last = tokens.clone().into_iter().last();
    // Whether the tokens are such as syn reads, which most are as they come.
    let mut is_ready = false;
    let mut all = |input: ParseStream, errors: &mut Errors| {
        if !std::mem::replace(&mut is_ready, true) && brackets::concern(input.cursor(), false) {
            return input.parse().map(Some);
        }
        while !input.is_empty() {
            // What a failed attempt leaves unread inside of braces is no mistake of its own.
            let ahead = input.fork();
            match entry(&ahead, &mut block) {
                Ok(()) => input.advance_to(&ahead),
                Err(error) => {
                    let skipped = skip(input)?;
                    let word = matches!(&*error.to_string(), "expected `,`" | "expected curly braces")
                        .then(|| python::operator(&skipped));
                    errors.push(word.flatten().unwrap_or_else(|| ended_early(error, &ahead, last.as_ref())));
                    failed = true;
                    let mut names = Vec::new();
                    given_values(skipped, &mut names);
                    block.statements.push(Statement::Broken(names));
                }
            }
        }
        if failed && block.tail.is_none() {
            block.tail = Some(Value::Broken);
        }
        Ok(None)
    };
    let mut result = (|input: ParseStream| all(input, errors)).parse2(tokens);
    if let Ok(Some(tokens)) = result {
        let before = errors.count();
        let tokens = brackets::tuples(tokens, errors);
        if errors.count() > before {
            return None;
        }
        result = (|input: ParseStream| all(input, errors)).parse2(tokens);
    }
    errors.take(result).map(|_| block)
}

/// Goes on behind the next `;`, or at the next line that begins as a statement does; gives what was skipped.
fn skip(input: ParseStream) -> syn::Result<Vec<TokenTree>> {
    let mut skipped = Vec::new();
    while !input.is_empty() {
        let starts = input.peek(Token![let]) || input.peek(Token![for]);
        if starts && !skipped.is_empty() {
            break;
        }
        if input.parse::<Option<Token![;]>>()?.is_some() {
            break;
        }
        skipped.push(input.parse()?);
    }
    Ok(skipped)
}

/// The names that stand before a `=`, in `let` or not, and those between `let` and the end if there is none.
fn given_values(tokens: Vec<TokenTree>, names: &mut Vec<Ident>) {
    let is = |token: Option<&TokenTree>, text: &str| token.is_some_and(|token| token.to_string() == text);
    let is_equals = |at: usize| {
        let next = &tokens[at + 1..];
        is(tokens.get(at), "=") && !is(next.first(), "=") && !is(next.first(), ">")
    };
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        let begins = is(Some(token), ";")
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_equals(at) || (at + 1 == tokens.len() && is(tokens.get(start), "let")) {
            idents(tokens[start..=at].iter().cloned().collect(), names);
        }
        if let TokenTree::Group(group) = token {
            given_values(group.stream().into_iter().collect(), names);
        }
        if begins || is_equals(at) {
            start = at + 1;
        }
    }
}

/// The names among these tokens.
fn idents(tokens: TokenStream, names: &mut Vec<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => idents(group.stream(), names),
            token => names.extend(syn::parse2::<Ident>(token.into())),
        }
    }
}

/// A nested block, of which the first mistake is reported.
fn nested(input: ParseStream) -> syn::Result<Block> {
    let content;
    let brace = braced!(content in input);
    let mut block = Block { statements: Vec::new(), tail: None, span: brace.span.join() };
    while !content.is_empty() {
        entry(&content, &mut block)?;
    }
    Ok(block)
}

/// A statement, or the value of the block.
fn entry(input: ParseStream, block: &mut Block) -> syn::Result<()> {
    if block.tail.is_some() {
        return Err(input.error("expected `;` before this: only the last expression of a block goes without"));
    }
    python::comment(input)?;
    if input.peek(Token![let]) {
        block.statements.push(binding(input)?);
    } else if input.peek(Token![for]) {
        block.statements.push(repeat(input)?);
    } else if input.peek(Token![if]) || input.peek(Token![match]) {
        let branch = branch(input)?;
        // Without a value in its arms, or with more after it, it is a statement.
        let ended = input.parse::<Option<Token![;]>>()?.is_some();
        match ended || !input.is_empty() || !branch.has_value() {
            true => block.statements.push(Statement::Branch(branch)),
            false => block.tail = Some(Value::Branch(branch)),
        }
    } else if is_assignment_ahead(input) {
        let statement = assignment(input)?;
        block.statements.push(statement);
    } else {
        expression(input, block)?;
    }
    Ok(())
}

/// `x = ..;`, without the `;` at the end of a block.
fn assignment(input: ParseStream) -> syn::Result<Statement> {
    let pattern = pattern(input)?;
    input.parse::<Token![=]>()?;
    let value = value(input)?;
    if !input.is_empty() {
        end(input, &value)?;
    }
    Ok(Statement::Assign { pattern, value })
}

/// `x = ..` or `(h, c) = ..`
fn is_assignment_ahead(input: ParseStream) -> bool {
    let ahead = input.fork();
    (input.peek(Ident) || input.peek(token::Paren) || input.peek(Token![_]))
        && pattern(&ahead).is_ok()
        && ahead.peek(Token![=])
        && !ahead.peek(Token![==])
}

impl Branch {
    fn has_value(&self) -> bool {
        self.arms.iter().chain(self.otherwise.as_deref()).any(|block| block.tail.is_some())
    }
}

fn binding(input: ParseStream) -> syn::Result<Statement> {
    input.parse::<Token![let]>()?;
    let pattern = pattern(input)?;
    let shapes = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        Some(shapes(input)?)
    } else {
        None
    };
    if !input.peek(Token![=]) {
        let names: Vec<String> = pattern.names().iter().map(ToString::to_string).collect();
        let names = if names.len() == 1 { names.concat() } else { format!("({})", names.join(", ")) };
        return Err(input.error(format!("expected `=` and a value, as in `let {names} = layer(x);`")));
    }
    input.parse::<Token![=]>()?;
    let value = value(input)?;
    if input.peek(Token![else]) {
        return Err(
            input.error("`let .. else` cannot be used here: write `if let Some(layer) = self.layer { .. }`")
        );
    }
    end(input, &value)?;
    Ok(Statement::Let { pattern, shapes, value })
}

fn repeat(input: ParseStream) -> syn::Result<Statement> {
    input.parse::<Token![for]>()?;
    let (mut index, variable) = match pattern(input)? {
        Pattern::Name(name) => (None, name),
        Pattern::Tuple(mut parts, span) => match (parts.pop(), parts.pop(), parts.pop()) {
            (Some(Pattern::Name(variable)), Some(Pattern::Name(index)), None) => (Some(index), variable),
            _ => {
                return Err(syn::Error::new(
                    span,
                    "write `for block in self.blocks` or `for (i, block) in self.blocks.iter().enumerate()`",
                ));
            }
        },
    };
    index = index.filter(|index| index != "_");
    input.parse::<Token![in]>()?;
    let over = input.call(Expr::parse_without_eager_brace)?;
    Ok(Statement::For(Loop { index, variable, over, body: nested(input)? }))
}

fn value(input: ParseStream) -> syn::Result<Value> {
    if input.peek(Token![if]) || input.peek(Token![match]) {
        return branch(input).map(Value::Branch);
    }
    expr(input).map(Value::Expr)
}

fn branch(input: ParseStream) -> syn::Result<Branch> {
    if input.peek(Token![match]) {
        return matched(input);
    }
    let span = input.span();
    let (mut conditions, mut arms, mut otherwise) = (Vec::new(), Vec::new(), None);
    loop {
        input.parse::<Token![if]>()?;
        conditions.push(condition(input)?);
        arms.push(nested(input)?);
        if !input.peek(Token![else]) {
            break;
        }
        input.parse::<Token![else]>()?;
        if !input.peek(Token![if]) {
            otherwise = Some(Box::new(nested(input)?));
            break;
        }
    }
    Ok(Branch { span, kind: BranchKind::If(conditions), arms, otherwise })
}

fn condition(input: ParseStream) -> syn::Result<Condition> {
    if !input.peek(Token![let]) {
        return input.call(Expr::parse_without_eager_brace).map(Condition::Expr);
    }
    input.parse::<Token![let]>()?;
    let some: Ident = input.parse()?;
    if some != "Some" || !input.peek(token::Paren) {
        return Err(syn::Error::new(some.span(), "expected `if let Some(layer) = self.layer`"));
    }
    let content;
    parenthesized!(content in input);
    let name = content.parse()?;
    input.parse::<Token![=]>()?;
    Ok(Condition::Present(name, input.call(Expr::parse_without_eager_brace)?))
}

fn matched(input: ParseStream) -> syn::Result<Branch> {
    let span = input.span();
    input.parse::<Token![match]>()?;
    let subject = input.call(Expr::parse_without_eager_brace)?;
    let content;
    braced!(content in input);
    let (mut patterns, mut arms) = (Vec::new(), Vec::new());
    while !content.is_empty() {
        let case = content.call(syn::Pat::parse_multi_with_leading_vert)?;
        if content.peek(Token![if]) {
            return Err(content.error("a guard cannot be used here: write `if .. { .. } else { .. }`"));
        }
        patterns.push(quote::ToTokens::to_token_stream(&case));
        content.parse::<Token![=>]>()?;
        if content.peek(token::Brace) {
            arms.push(nested(&content)?);
            content.parse::<Option<Token![,]>>()?;
        } else {
            let span = content.span();
            let mut block = Block { statements: Vec::new(), tail: None, span };
            if is_assignment_ahead(&content) {
                let name = pattern(&content)?;
                content.parse::<Token![=]>()?;
                block.statements.push(Statement::Assign { pattern: name, value: value(&content)? });
            } else {
                match value(&content)? {
                    Value::Expr(expr) => match compound(&expr)? {
                        Some(statement) => block.statements.push(statement),
                        None => block.tail = Some(Value::Expr(expr)),
                    },
                    branch => block.tail = Some(branch),
                }
            }
            arms.push(block);
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
        }
    }
    if arms.is_empty() {
        return Err(syn::Error::new(span, "this `match` has no arms"));
    }
    Ok(Branch { span, kind: BranchKind::Match(subject, patterns), arms, otherwise: None })
}

fn expression(input: ParseStream, block: &mut Block) -> syn::Result<()> {
    if input.peek(Token![return]) {
        return Err(input.error("leave out `return`: the last expression is the output"));
    }
    if input.peek(Token![while]) || input.peek(Token![loop]) {
        return Err(input.error(
            "write `for block in self.blocks { x = block(x); }` or `for _ in 0..4 { x = layer(x); }`",
        ));
    }
    let is_item = input.peek(Token![const])
        || input.peek(Token![static])
        || input.peek(Token![fn])
        || input.peek(Token![use])
        || input.peek(Token![struct]);
    if is_item {
        return Err(input.error("items cannot stand in a forward pass: write this before the `model!`"));
    }
    let expr = expr(input)?;
    if let Some(statement) = compound(&expr)? {
        if !input.is_empty() {
            end(input, &Value::Expr(expr))?;
        }
        block.statements.push(statement);
        return Ok(());
    }
    if input.peek(Token![;]) {
        let message = match &expr {
            Expr::Macro(call) => format!(
                "`{}!` cannot be used in a forward pass, which only computes: what is to be looked at can be an output as well",
                source(&call.mac.path)
            ),
            Expr::Assign(assign) => format!("`{}` cannot be assigned to: only a name can, as in `x = x + y;`", source(&assign.left)),
            Expr::MethodCall(call) if in_place(&call.method).is_some() => {
                let name = in_place(&call.method).unwrap_or_default();
                let args: Vec<String> = call.args.iter().map(source).collect();
                let tensor = source(&call.receiver);
                format!(
                    "a forward pass makes new tensors, which may have the names of those before: write `{tensor} = {tensor}.{name}({});`",
                    args.join(", ")
                )
            }
            _ => "the value of this expression is dropped: bind it with `let`, or leave out the `;` if it is the output".into(),
        };
        return Err(syn::Error::new_spanned(&expr, message));
    }
    python::behind(&expr, input)?;
    if !input.is_empty() {
        let message =
            format!("expected `;` after `{}`, or an operator between it and what follows", source(&expr));
        return Err(syn::Error::new_spanned(&expr, message));
    }
    block.tail = Some(Value::Expr(expr));
    Ok(())
}

/// `x += y` as `x = x + (y)`.
fn compound(expr: &Expr) -> syn::Result<Option<Statement>> {
    let Expr::Binary(binary) = expr else { return Ok(None) };
    let Some(op) = assigned_op(&binary.op) else { return Ok(None) };
    let (left, right) = (&binary.left, &binary.right);
    let Some(pattern) = place(left) else {
        return Err(syn::Error::new_spanned(left, "only a name can be assigned to, as in `x = x + y;`"));
    };
    let value = Value::Expr(syn::parse_quote!(#left #op (#right)));
    Ok(Some(Statement::Assign { pattern, value }))
}

/// The name that is assigned to.
fn place(expr: &Expr) -> Option<Pattern> {
    match expr {
        Expr::Path(path) => path.path.get_ident().cloned().map(Pattern::Name),
        _ => None,
    }
}

/// `+` of `+=`.
fn assigned_op(op: &syn::BinOp) -> Option<TokenStream> {
    use syn::BinOp::{AddAssign, DivAssign, MulAssign, SubAssign};
    Some(match op {
        AddAssign(op) => quote_spanned!(op.spans[0]=> +),
        SubAssign(op) => quote_spanned!(op.spans[0]=> -),
        MulAssign(op) => quote_spanned!(op.spans[0]=> *),
        DivAssign(op) => quote_spanned!(op.spans[0]=> /),
        _ => return None,
    })
}

fn end(input: ParseStream, value: &Value) -> syn::Result<()> {
    if input.peek(Token![;]) {
        input.parse::<Token![;]>()?;
        return Ok(());
    }
    match value {
        Value::Expr(expr) => {
            python::behind(expr, input)?;
            let last = expr.to_token_stream().into_iter().last();
            Err(syn::Error::new_spanned(last, format!("expected `;` after `{}`", source(expr))))
        }
        Value::Branch(_) | Value::Broken => Err(input.error("expected `;` before this")),
    }
}

/// The method without the underscore of one that works in place, if it is one.
fn in_place(method: &syn::Ident) -> Option<String> {
    let name = method.to_string();
    let plain = name.strip_suffix('_').filter(|plain| !plain.is_empty() && *plain != "where")?;
    Some(plain.to_string())
}
