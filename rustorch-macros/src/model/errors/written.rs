//! Expressions as text, and where they stand, without a token stream in between.

use proc_macro2::Span;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{BinOp, Expr, Member, RangeLimits, Token, UnOp};

/// Writes an expression as a person would; `None` if it is of a kind that a token stream prints.
pub(super) fn print(expr: &Expr, out: &mut String) -> Option<()> {
    match expr {
        Expr::Path(path) => name(path, out)?,
        Expr::Lit(lit) => out.push_str(&lit.lit.to_token_stream().to_string()),
        Expr::Call(call) => {
            print(&call.func, out)?;
            list('(', &call.args, ')', out)?;
        }
        Expr::MethodCall(call) if call.turbofish.is_none() => {
            print(&call.receiver, out)?;
            out.push('.');
            out.push_str(&call.method.to_string());
            list('(', &call.args, ')', out)?;
        }
        Expr::Field(field) => {
            print(&field.base, out)?;
            out.push('.');
            match &field.member {
                Member::Named(name) => out.push_str(&name.to_string()),
                Member::Unnamed(index) => out.push_str(&index.index.to_string()),
            }
        }
        Expr::Array(array) => list('[', &array.elems, ']', out)?,
        Expr::Tuple(tuple) if tuple.elems.len() != 1 => list('(', &tuple.elems, ')', out)?,
        Expr::Paren(inner) => {
            out.push('(');
            print(&inner.expr, out)?;
            out.push(')');
        }
        Expr::Reference(inner) if inner.mutability.is_none() => {
            out.push('&');
            print(&inner.expr, out)?;
        }
        Expr::Binary(binary) => {
            print(&binary.left, out)?;
            out.push_str(operator(&binary.op)?);
            print(&binary.right, out)?;
        }
        Expr::Unary(unary) => {
            out.push(match &unary.op {
                UnOp::Neg(_) => '-',
                UnOp::Not(_) => '!',
                _ => return None,
            });
            print(&unary.expr, out)?;
        }
        Expr::Index(index) => {
            print(&index.expr, out)?;
            match &*index.index {
                // `x[.., 0]` is parsed as one with a tuple.
                Expr::Tuple(parts) if parts.elems.len() > 1 => list('[', &parts.elems, ']', out)?,
                one => {
                    out.push('[');
                    print(one, out)?;
                    out.push(']');
                }
            }
        }
        Expr::Range(range) => {
            if let Some(start) = &range.start {
                print(start, out)?;
            }
            out.push_str(if matches!(range.limits, RangeLimits::Closed(_)) { "..=" } else { ".." });
            if let Some(end) = &range.end {
                print(end, out)?;
            }
        }
        Expr::Assign(assign) => {
            print(&assign.left, out)?;
            out.push_str(" = ");
            print(&assign.right, out)?;
        }
        Expr::Infer(_) => out.push('_'),
        _ => return None,
    }
    Some(())
}

/// The spans of the first and the last token; `None` if it is of a kind that a token stream knows.
pub(super) fn ends(expr: &Expr) -> Option<(Span, Span)> {
    match expr {
        Expr::Path(path) => {
            let name = path.path.get_ident()?.span();
            Some((name, name))
        }
        Expr::Lit(lit) => Some((lit.lit.span(), lit.lit.span())),
        // A group of tokens has one span, that of all of it.
        Expr::Call(call) => Some((ends(&call.func)?.0, call.paren_token.span.join())),
        Expr::MethodCall(call) => Some((ends(&call.receiver)?.0, call.paren_token.span.join())),
        Expr::Binary(binary) => Some((ends(&binary.left)?.0, ends(&binary.right)?.1)),
        Expr::Array(array) => Some((array.bracket_token.span.join(), array.bracket_token.span.join())),
        Expr::Paren(inner) => Some((inner.paren_token.span.join(), inner.paren_token.span.join())),
        Expr::Unary(unary) => {
            let start = match &unary.op {
                UnOp::Neg(minus) => minus.spans[0],
                UnOp::Not(not) => not.spans[0],
                _ => return None,
            };
            Some((start, ends(&unary.expr)?.1))
        }
        _ => None,
    }
}

fn name(path: &syn::ExprPath, out: &mut String) -> Option<()> {
    if path.qself.is_some() || path.path.leading_colon.is_some() {
        return None;
    }
    for (at, segment) in path.path.segments.iter().enumerate() {
        if !segment.arguments.is_empty() {
            return None;
        }
        if at > 0 {
            out.push_str("::");
        }
        out.push_str(&segment.ident.to_string());
    }
    Some(())
}

fn list(open: char, elements: &Punctuated<Expr, Token![,]>, close: char, out: &mut String) -> Option<()> {
    out.push(open);
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        print(element, out)?;
    }
    out.push(close);
    Some(())
}

fn operator(op: &BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::Add(_) => " + ",
        BinOp::Sub(_) => " - ",
        BinOp::Mul(_) => " * ",
        BinOp::Div(_) => " / ",
        BinOp::Rem(_) => " % ",
        BinOp::And(_) => " && ",
        BinOp::Or(_) => " || ",
        BinOp::Eq(_) => " == ",
        BinOp::Ne(_) => " != ",
        BinOp::Lt(_) => " < ",
        BinOp::Le(_) => " <= ",
        BinOp::Gt(_) => " > ",
        BinOp::Ge(_) => " >= ",
        _ => return None,
    })
}
