//! The syntax: `|x, y| expression, &a, &b`.

use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, Pat, Result, ReturnType, Token};

use super::MAX_OPERANDS;

const EXPECTED: &str = "fuse!: expected names, an expression and one tensor for each name, as in \
                        fuse!(|x, y| (x * y).tanh(), &a, &b)";

/// What stands between the parentheses of `fuse!`.
pub struct Input {
    /// The names between the bars.
    pub names: Vec<Ident>,
    pub body: Expr,
    pub operands: Vec<Expr>,
}

impl Parse for Input {
    fn parse(input: ParseStream) -> Result<Self> {
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), EXPECTED));
        }
        let closure = match input.parse::<Expr>()? {
            Expr::Closure(closure) => closure,
            other => return Err(Error::new(other.span(), EXPECTED)),
        };
        if let ReturnType::Type(_, ty) = &closure.output {
            return Err(Error::new(ty.span(), "fuse!: the expression takes no return type"));
        }
        let names = closure.inputs.iter().map(name).collect::<Result<Vec<Ident>>>()?;
        if let Some((at, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(Error::new(
                twice.span(),
                format!("fuse!: operand {at} has the name `{twice}` of another"),
            ));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        let operands: Vec<Expr> = input.parse_terminated(Expr::parse, Token![,])?.into_iter().collect();
        count(&names, &operands, closure.inputs_begin.span())?;
        Ok(Self { names, body: *closure.body, operands })
    }
}

fn name(pattern: &Pat) -> Result<Ident> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Ok(name.ident.clone()),
        Pat::Type(typed) => Err(Error::new(
            typed.ty.span(),
            "fuse!: names take no type; the dtype is that of the tensors at run time",
        )),
        other => Err(Error::new(other.span(), "fuse!: a name for a tensor is expected between the bars")),
    }
}

/// As many tensors as names, and not too many.
fn count(names: &[Ident], operands: &[Expr], bars: Span) -> Result<()> {
    if names.is_empty() {
        return Err(Error::new(bars, "fuse!: name at least one tensor between the bars, as in |x|"));
    }
    if let Some(surplus) = names.get(MAX_OPERANDS) {
        let message = format!(
            "fuse!: {} tensors; a kernel takes at most {MAX_OPERANDS}: fuse parts of the expression",
            names.len()
        );
        return Err(Error::new(surplus.span(), message));
    }
    if names.len() == operands.len() {
        return Ok(());
    }
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let message = format!(
        "fuse!: {} between the bars, but {} after the expression",
        plural(names.len(), "name"),
        plural(operands.len(), "tensor")
    );
    match (operands.get(names.len()), names.get(operands.len())) {
        (Some(surplus), _) => Err(Error::new(surplus.span(), message)),
        (None, Some(missing)) => {
            Err(Error::new(missing.span(), format!("{message}: there is none for `{missing}`")))
        }
        (None, None) => Ok(()),
    }
}
