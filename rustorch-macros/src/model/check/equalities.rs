//! Which sizes are equal where a condition on const parameters holds: `STRIDE == 1 && IN == OUT`.

use proc_macro2::TokenStream;
use rustorch_shape::{Poly, Size};
use std::fmt;
use syn::{BinOp, Expr, ExprBinary, Lit, UnOp};

/// Names, and what stands for them.
#[derive(Default)]
pub(super) struct Equalities {
    known: Vec<(String, Poly)>,
}

/// What follows if all of the conditions hold. Of what is no comparison of names and numbers, nothing does.
pub(super) fn of<'a>(conditions: impl Iterator<Item = &'a TokenStream>) -> Equalities {
    let mut found = Equalities::default();
    for condition in conditions {
        if let Ok(expr) = syn::parse2(condition.clone()) {
            found.add(&expr, true);
        }
    }
    found
}

/// `STRIDE is 1 and IN is OUT`
impl fmt::Display for Equalities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.known.iter().enumerate() {
            let and = if at > 0 { " and " } else { "" };
            write!(f, "{and}{name} is {value}")?;
        }
        Ok(())
    }
}

impl Equalities {
    /// The size with every name replaced.
    pub fn apply(&self, size: &Poly) -> Option<Poly> {
        self.known.iter().try_fold(size.clone(), |size, (name, value)| size.with(name, value))
    }

    /// Adds what follows from the condition, or from its opposite.
    fn add(&mut self, condition: &Expr, holds: bool) {
        match condition {
            Expr::Paren(inner) => self.add(&inner.expr, holds),
            Expr::Group(inner) => self.add(&inner.expr, holds),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => self.add(&unary.expr, !holds),
            Expr::Binary(ExprBinary { left, op, right, .. }) => match (op, holds) {
                (BinOp::And(_), true) | (BinOp::Or(_), false) => {
                    self.add(left, holds);
                    self.add(right, holds);
                }
                (BinOp::Eq(_), true) | (BinOp::Ne(_), false) => self.equal(left, right),
                _ => {}
            },
            _ => {}
        }
    }

    fn equal(&mut self, left: &Expr, right: &Expr) {
        let (name, value) = match (name(left), name(right)) {
            (Some(name), _) => (name, right),
            (None, Some(name)) => (name, left),
            (None, None) => return,
        };
        // What is known already stands for the names of what is new, and the other way round.
        let Some(value) = size(value).and_then(|value| self.apply(&value)) else { return };
        let name = match self.apply(&Poly::param(&name)) {
            Some(before) if before.as_name().is_none() => return,
            Some(before) => before.params().first().map_or(name, ToString::to_string),
            None => return,
        };
        if value.params().contains(&*name) {
            return;
        }
        for (_, other) in &mut self.known {
            if let Some(replaced) = other.with(&name, &value) {
                *other = replaced;
            }
        }
        self.known.push((name, value));
    }
}

fn name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Paren(inner) => name(&inner.expr),
        Expr::Group(inner) => name(&inner.expr),
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

/// A size of names, numbers, sums and products.
fn size(expr: &Expr) -> Option<Poly> {
    match expr {
        Expr::Paren(inner) => size(&inner.expr),
        Expr::Group(inner) => size(&inner.expr),
        Expr::Path(_) => name(expr).map(Poly::param),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().ok().map(Poly::constant),
            _ => None,
        },
        Expr::Binary(ExprBinary { left, op, right, .. }) => {
            let (left, right) = (size(left)?, size(right)?);
            match op {
                BinOp::Add(_) => left.plus(&right),
                BinOp::Sub(_) => left.minus(&right),
                BinOp::Mul(_) => left.times(&right),
                BinOp::Div(_) => left.over(&right),
                _ => None,
            }
        }
        _ => None,
    }
}
