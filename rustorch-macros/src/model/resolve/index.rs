//! `x[.., 0..4]`: one component for every axis, from the first on.

use super::super::errors::{place_of, source};
use super::super::ir::{Bound, Component, ComponentKind, Op, Use};
use super::body::{Binding, Resolver, is_self};
use super::expr::named;
use super::size::plain_name;
use super::value::Val;
use rustorch_shape::Poly;
use rustorch_shape::Size;
use syn::{BinOp, Expr, Lit, RangeLimits, UnOp};

impl Resolver<'_> {
    pub(super) fn index(&mut self, index: &syn::ExprIndex, whole: &Expr) -> Val {
        let parts: Vec<&Expr> = match &*index.index {
            Expr::Tuple(tuple) => tuple.elems.iter().collect(),
            single => vec![single],
        };
        if let ([Expr::Lit(_)], Some(name)) = (&parts[..], self.attention(&index.expr)) {
            let message = format!(
                "`{name}` gives one tensor and no weights: leave out `[{}]`; for an example of the batch, give the tensor a name first",
                source(parts[0])
            );
            self.errors.at(&index.index, message);
            return Val::Broken;
        }
        let input = self.single(&index.expr, None);
        let mut components = Vec::new();
        for part in parts {
            match self.component(part) {
                Ok(kind) => components.push(Component { kind, span: place_of(part) }),
                Err(error) => {
                    self.errors.push(error);
                    return Val::Broken;
                }
            }
        }
        if components.iter().all(|component| matches!(component.kind, ComponentKind::Whole)) {
            return Val::Tensor(input);
        }
        let text = source(whole);
        let components: Vec<_> =
            components.into_iter().map(|component| (component, self.fresh(text.clone()))).collect();
        let Some(var) = components.last().map(|(_, var)| *var) else { return Val::Tensor(input) };
        let span = place_of(whole);
        self.step(Op::Index { input, components }, vec![var], span);
        Val::Tensor(Use { var: Some(var), span, text })
    }

    /// The name of the layer, if this is a call of attention, which gives a tuple in PyTorch.
    fn attention(&self, expr: &Expr) -> Option<String> {
        let Expr::Call(call) = expr else { return None };
        let name = match &*call.func {
            Expr::Path(path) => path.path.get_ident()?,
            Expr::Field(field) if is_self(&field.base) => named(&field.member)?,
            _ => return None,
        };
        let layer = self.fields[self.field(name)?].layer()?;
        (layer.spec.name == "MultiheadAttention").then(|| name.to_string())
    }

    fn component(&self, expr: &Expr) -> syn::Result<ComponentKind> {
        match expr {
            Expr::Paren(inner) => self.component(&inner.expr),
            Expr::Range(range) => self.range(range, 1),
            Expr::Path(path) if path.path.is_ident("NewAxis") || path.path.is_ident("None") => {
                Ok(ComponentKind::New)
            }
            // `(0..8).step_by(2)`
            Expr::MethodCall(call) if call.method == "step_by" => {
                let mut inner = &*call.receiver;
                while let Expr::Paren(paren) = inner {
                    inner = &paren.expr;
                }
                match (inner, call.args.first().and_then(literal)) {
                    (Expr::Range(range), Some(step)) if step > 0 => self.range(range, step),
                    _ => Err(syn::Error::new_spanned(
                        expr,
                        "a step is a literal, at least 1: `(0..8).step_by(2)`",
                    )),
                }
            }
            _ => self.bound(expr).map(ComponentKind::At),
        }
    }

    fn range(&self, range: &syn::ExprRange, step: usize) -> syn::Result<ComponentKind> {
        let start = range.start.as_deref().map(|start| self.bound(start)).transpose()?;
        let end = range.end.as_deref().map(|end| self.bound(end)).transpose()?;
        if (&start, &end, step) == (&None, &None, 1) {
            return Ok(ComponentKind::Whole);
        }
        let end = match (end, &range.limits) {
            (Some(Bound::FromStart(end)), RangeLimits::Closed(_)) => {
                end.plus(&Poly::constant(1)).map(Bound::FromStart)
            }
            (Some(Bound::FromEnd(back)), RangeLimits::Closed(_)) => {
                // `..=-1` ends with the last entry.
                if back.is(1) { None } else { back.minus(&Poly::constant(1)).map(Bound::FromEnd) }
            }
            (end, _) => end,
        };
        let start = start.unwrap_or(Bound::FromStart(Poly::constant(0)));
        Ok(ComponentKind::Range { start, end, step })
    }

    /// A position: a size, or with a minus so far from the end.
    fn bound(&self, expr: &Expr) -> syn::Result<Bound> {
        match expr {
            Expr::Paren(inner) => self.bound(&inner.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => self.counting().size(&unary.expr).map(Bound::FromEnd),
            // `-1 - i`
            Expr::Binary(binary)
                if let (Expr::Unary(back), BinOp::Sub(_) | BinOp::Add(_)) = (&*binary.left, &binary.op)
                    && matches!(back.op, UnOp::Neg(_)) =>
            {
                let sizes = self.counting();
                let (back, further) = (sizes.size(&back.expr)?, sizes.size(&binary.right)?);
                let sum = match binary.op {
                    BinOp::Sub(_) => back.plus(&further),
                    _ => back.minus(&further),
                };
                sum.map(Bound::FromEnd).ok_or_else(|| {
                    syn::Error::new_spanned(expr, format!("`{}` is too large to be a position", source(expr)))
                })
            }
            _ => self.counting().size(expr).map(Bound::FromStart).map_err(|error| {
                let is_tensor = plain_name(expr)
                    .is_some_and(|name| matches!(self.lookup(&name), Some(Binding::Value(_))));
                let error = match is_tensor {
                    true => format!("`{}` is a tensor", source(expr)),
                    false => error.to_string(),
                };
                let message = format!(
                    "{error}\nan index takes positions (`0`, `-1`), ranges (`..`, `1..N`) and `NewAxis`; for positions that a tensor holds write `index_select(x, dim, index)` or `gather(x, dim, index)`"
                );
                syn::Error::new_spanned(expr, message)
            }),
        }
    }
}

fn literal(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
