//! The body of `forward`: a small language of `let`, assignment, `for`, `if` and expressions.
//!
//! It is read here rather than by syn's statement parser, since a shape after `let h:` is not a type of Rust.

use super::super::ast::{Block, Statement, Value};
use super::super::errors::Errors;
use super::outputs;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Token, braced, parenthesized, token};

/// The statements of a block; a wrong one is reported and skipped. `None` if any was wrong.
pub(super) fn block(tokens: TokenStream, span: Span, errors: &mut Errors) -> Option<Block> {
    let mut block = Block { statements: Vec::new(), tail: None, span };
    let mut failed = false;
    let all = |input: ParseStream| {
        while !input.is_empty() {
            if let Err(error) = entry(input, &mut block) {
                errors.push(error);
                failed = true;
                while !input.is_empty() && !input.peek(Token![;]) {
                    input.parse::<TokenTree>()?;
                }
                input.parse::<Option<Token![;]>>()?;
            }
        }
        Ok(())
    };
    let result = all.parse2(tokens);
    errors.take(result);
    (!failed).then_some(block)
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
    if input.peek(Token![let]) {
        block.statements.push(binding(input)?);
    } else if input.peek(Token![for]) {
        block.statements.push(repeat(input)?);
    } else if input.peek(Token![if]) {
        let value = value(input)?;
        block.tail = Some(value);
    } else if input.peek(Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        let value = value(input)?;
        end(input)?;
        block.statements.push(Statement::Assign { name, value });
    } else {
        expression(input, block)?;
    }
    Ok(())
}

fn binding(input: ParseStream) -> syn::Result<Statement> {
    input.parse::<Token![let]>()?;
    input.parse::<Option<Token![mut]>>()?;
    let is_tuple = input.peek(token::Paren);
    let names = if is_tuple {
        let content;
        parenthesized!(content in input);
        content.parse_terminated(name, Token![,])?.into_iter().collect()
    } else {
        vec![name(input)?]
    };
    let shapes = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        Some(outputs(input)?)
    } else {
        None
    };
    input.parse::<Token![=]>()?;
    let value = value(input)?;
    end(input)?;
    Ok(Statement::Let { names, is_tuple, shapes, value })
}

/// A name to bind, or `_`.
fn name(input: ParseStream) -> syn::Result<Ident> {
    if input.peek(Token![_]) {
        let underscore: Token![_] = input.parse()?;
        return Ok(Ident::new("_", underscore.span));
    }
    input.parse::<Option<Token![mut]>>()?;
    input.parse()
}

fn repeat(input: ParseStream) -> syn::Result<Statement> {
    input.parse::<Token![for]>()?;
    let variable = input.parse()?;
    input.parse::<Token![in]>()?;
    let over = input.call(Expr::parse_without_eager_brace)?;
    Ok(Statement::For { variable, over, body: nested(input)? })
}

fn value(input: ParseStream) -> syn::Result<Value> {
    if !input.peek(Token![if]) {
        return Ok(Value::Expr(input.parse()?));
    }
    input.parse::<Token![if]>()?;
    let condition = input.call(Expr::parse_without_eager_brace)?;
    let then = Box::new(nested(input)?);
    if !input.peek(Token![else]) {
        return Err(input.error("expected `else`: an `if` here is a value, which it needs in both cases"));
    }
    input.parse::<Token![else]>()?;
    if input.peek(Token![if]) {
        return Err(input.error("expected a block: there is only one condition, `self.training`"));
    }
    Ok(Value::If { condition, then, otherwise: Box::new(nested(input)?) })
}

fn expression(input: ParseStream, block: &mut Block) -> syn::Result<()> {
    if input.peek(Token![return]) {
        return Err(input.error("leave out `return`: the last expression is the output"));
    }
    if input.peek(Token![while]) || input.peek(Token![loop]) {
        return Err(input.error("loops repeat submodels: write `for block in self.blocks { x = block(x); }`"));
    }
    let expr: Expr = input.parse()?;
    if input.peek(Token![;]) {
        return Err(syn::Error::new_spanned(
            &expr,
            "the value of this expression is dropped: bind it with `let`, or leave out the `;` if it is the output",
        ));
    }
    if let Expr::Binary(binary) = &expr
        && is_assignment(&binary.op)
    {
        return Err(syn::Error::new_spanned(
            &expr,
            "write `x = x + y;` instead: an assignment here replaces a name",
        ));
    }
    block.tail = Some(Value::Expr(expr));
    Ok(())
}

fn is_assignment(op: &syn::BinOp) -> bool {
    use syn::BinOp::{AddAssign, DivAssign, MulAssign, SubAssign};
    matches!(op, AddAssign(_) | SubAssign(_) | MulAssign(_) | DivAssign(_))
}

fn end(input: ParseStream) -> syn::Result<()> {
    if !input.peek(Token![;]) {
        return Err(input.error("expected `;`"));
    }
    input.parse::<Token![;]>()?;
    Ok(())
}
