//! The syntax: `"pattern", operand, "reduction", name = size, ..`.

use proc_macro2::{Ident, Span};
use rustorch_shape::einops::{Operation, REDUCTIONS};
use rustorch_shape::suggest;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Error, Expr, LitStr, Result, Token};

/// What stands between the parentheses.
pub struct Input {
    pub pattern: LitStr,
    pub operand: Expr,
    /// Of `reduce!` alone.
    pub reduction: Option<LitStr>,
    pub sizes: Vec<(Ident, Expr)>,
}

impl Input {
    pub fn parse(operation: Operation, input: ParseStream) -> Result<Self> {
        let example = match operation {
            Operation::Rearrange => "rearrange!(\"b (h d) t -> b h t d\", x, h = 4)",
            Operation::Reduce => "reduce!(\"b (h 2) -> b h\", x, \"mean\")",
            Operation::Repeat => "repeat!(\"h w -> h (w r)\", x, r = 2)",
        };
        let fail = |span: Span, what: &str| Err(Error::new(span, format!("{}!: {what}", operation.name())));
        if input.is_empty() {
            return fail(Span::call_site(), &format!("expected a pattern and a tensor, as in {example}"));
        }
        if !input.peek(LitStr) {
            let what = format!(
                "expected a string literal, as in {example}; a pattern known only at run time goes to rustorch::{}",
                operation.name()
            );
            return fail(input.span(), &what);
        }
        let pattern: LitStr = input.parse()?;
        if input.is_empty() {
            return fail(pattern.span(), &format!("the tensor is missing, as in {example}"));
        }
        input.parse::<Token![,]>()?;
        let operand: Expr = input.parse()?;
        comma(input)?;
        let mut reduction = None;
        if operation == Operation::Reduce {
            if !input.peek(LitStr) {
                let what = format!("after the tensor comes the reduction, one of {REDUCTIONS:?}");
                return fail(if input.is_empty() { operand.span() } else { input.span() }, &what);
            }
            let name: LitStr = input.parse()?;
            if !REDUCTIONS.contains(&name.value().as_str()) {
                let hint = match suggest(&name.value(), REDUCTIONS) {
                    Some(known) => format!("did you mean \"{known}\"?"),
                    None => format!("there are {REDUCTIONS:?}"),
                };
                return fail(name.span(), &format!("no reduction is called {:?}; {hint}", name.value()));
            }
            reduction = Some(name);
            comma(input)?;
        } else if input.peek(LitStr) {
            return fail(input.span(), "a reduction belongs to reduce!");
        }
        let mut sizes = Vec::new();
        while !input.is_empty() {
            if !(input.peek(Ident::peek_any) && input.peek2(Token![=])) {
                return fail(input.span(), "sizes are given by name, as in `h = 4`; there is one tensor");
            }
            let name = Ident::parse_any(input)?;
            input.parse::<Token![=]>()?;
            sizes.push((name, input.parse()?));
            comma(input)?;
        }
        Ok(Self { pattern, operand, reduction, sizes })
    }
}

/// The comma before what follows, if anything does.
fn comma(input: ParseStream) -> Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}
