//! Polynomials as a person would write them, which is also valid Rust: `4*D`, `(h + 1)/2 - 1`.

use super::{Atom, Claim, Poly};
use crate::size::Relation;
use std::cmp::Reverse;
use std::fmt;

impl fmt::Display for Poly {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        // Most sizes are one name or product, and a macro without optimisation sorts slowly.
        if let (1, Some((factors, coefficient))) = (self.terms.len(), self.terms.iter().next()) {
            if *coefficient < 0 {
                f.write_str("-")?;
            }
            return write_term(f, factors, coefficient.unsigned_abs());
        }
        let mut terms: Vec<(&Vec<Atom>, i128)> =
            self.terms.iter().map(|(factors, c)| (factors, *c)).collect();
        // Positive terms first, so that a difference does not begin with a minus; constants last.
        terms.sort_by_key(|(factors, c)| (*c < 0, Reverse(factors.len())));
        for (i, (factors, coefficient)) in terms.into_iter().enumerate() {
            match (i, coefficient < 0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            write_term(f, factors, coefficient.unsigned_abs())?;
        }
        Ok(())
    }
}

#[inline]
fn write_term(f: &mut fmt::Formatter<'_>, factors: &[Atom], coefficient: u128) -> fmt::Result {
    if factors.is_empty() || coefficient != 1 {
        write!(f, "{coefficient}")?;
    }
    for (i, atom) in factors.iter().enumerate() {
        let first = i == 0 && coefficient == 1;
        if !first {
            f.write_str("*")?;
        }
        match atom {
            Atom::Dim(name) | Atom::Param(name) => f.write_str(name)?,
            Atom::Quotient(n, d) if first && factors.len() == 1 => {
                write!(f, "{}/{}", Grouped(n), Grouped(d))?
            }
            Atom::Quotient(n, d) => write!(f, "({}/{})", Grouped(n), Grouped(d))?,
        }
    }
    Ok(())
}

/// In parentheses unless it is a single name or number.
struct Grouped<'a>(&'a Poly);

impl fmt::Display for Grouped<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.as_name().is_some() || self.0.as_integer().is_some() {
            self.0.fmt(f)
        } else {
            write!(f, "({})", self.0)
        }
    }
}

impl fmt::Display for Claim {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.relation {
            Relation::Equal => write!(f, "{} == {}", self.left, self.right),
            Relation::AtLeast => write!(f, "{} >= {}", self.left, self.right),
            Relation::MultipleOf => write!(f, "{} % {} == 0", Grouped(&self.left), Grouped(&self.right)),
        }
    }
}
