//! Floor division in normal form.

use super::{Atom, Poly};
use crate::size::Size;
use std::sync::Arc;

/// `numerator / denominator`, rounded down.
///
/// Names are at least 1, so common factors cancel. What divides without remainder leaves the
/// quotient; of the rest, coefficients and constant are reduced modulo a constant denominator, so
/// that `(h - 2)/2 + 1` and `h/2` are the same polynomial.
#[inline]
pub(super) fn floor(numerator: &Poly, denominator: &Poly) -> Option<Poly> {
    let (numerator, denominator) = cancel(numerator, denominator);
    if denominator.as_integer().is_some_and(|d| d <= 0) {
        return None;
    }
    if let Some(quotient) = exact(&numerator, &denominator) {
        return Some(quotient);
    }
    match denominator.as_integer() {
        Some(divisor) => by_integer(&numerator, divisor),
        None => by_poly(&numerator, &denominator),
    }
}

/// `numerator / denominator` where that leaves no remainder whatever the values of the names.
#[inline]
pub(super) fn exact(numerator: &Poly, denominator: &Poly) -> Option<Poly> {
    // Long division by the leading term. Each step removes the leading term of what is left and adds
    // only smaller ones, so it ends.
    let (lead, by) = leading(denominator)?;
    let (mut rest, mut quotient) = (numerator.clone(), Poly::default());
    while let Some((factors, coefficient)) = leading(&rest) {
        if coefficient % by != 0 {
            return None;
        }
        let step = Poly::term(without(factors, lead)?, coefficient / by);
        quotient = quotient.plus(&step)?;
        rest = rest.minus(&step.times(denominator)?)?;
    }
    Some(quotient)
}

/// The greatest term by degree, then by its factors: an order that multiplication keeps.
#[inline]
fn leading(poly: &Poly) -> Option<(&Vec<Atom>, i128)> {
    poly.terms.iter().max_by_key(|(factors, _)| (factors.len(), *factors)).map(|(factors, c)| (factors, *c))
}

/// Both without the factors, names and integers, that all their terms share.
#[inline]
pub(super) fn cancel(numerator: &Poly, denominator: &Poly) -> (Poly, Poly) {
    let (mut n, mut d) = (numerator.clone(), denominator.clone());
    if n.is_zero() || d.is_zero() {
        return (n, d);
    }
    let divisor = n.terms.values().chain(d.terms.values()).fold(0, |g, c| gcd(g, c.unsigned_abs())) as i128;
    let shared =
        n.terms.keys().chain(d.terms.keys()).cloned().reduce(|a, b| common(&a, &b)).unwrap_or_default();
    // A floor division may be 0, so it does not cancel.
    let shared: Vec<Atom> = shared.into_iter().filter(|atom| !matches!(atom, Atom::Quotient(..))).collect();
    if shared.is_empty() && divisor == 1 {
        return (n, d);
    }
    for poly in [&mut n, &mut d] {
        let terms = Arc::unwrap_or_clone(std::mem::take(&mut poly.terms)).into_iter();
        let terms = terms.map(|(factors, c)| (without(&factors, &shared).unwrap_or(factors), c / divisor));
        poly.terms = Arc::new(terms.collect());
    }
    (n, d)
}

#[inline]
fn by_integer(numerator: &Poly, divisor: i128) -> Option<Poly> {
    let (mut whole, mut rest) = (Poly::default(), Poly::default());
    for (factors, coefficient) in numerator.terms.iter() {
        whole.add_term(factors.clone(), coefficient.div_euclid(divisor))?;
        rest.add_term(factors.clone(), coefficient.rem_euclid(divisor))?;
    }
    // ((a/b) + c)/d is (a + b*c)/(b*d).
    let nested = rest.terms.iter().find_map(|(factors, c)| match (&factors[..], c) {
        ([Atom::Quotient(n, d)], 1) => Some((n.clone(), d.clone(), factors.clone())),
        _ => None,
    });
    if let Some((inner, inner_divisor, factors)) = nested {
        Arc::make_mut(&mut rest.terms).remove(&factors);
        let inner = inner.plus(&rest.times(&inner_divisor)?)?;
        return floor(&inner, &inner_divisor.times(&Poly::integer(divisor))?)?.plus(&whole);
    }
    // (2h + 1)/4 is h/2: what the other coefficients have in common divides the constant, rounded down.
    let constant = Arc::make_mut(&mut rest.terms).remove(&[][..]).unwrap_or(0);
    let shared = rest.terms.values().fold(divisor.unsigned_abs(), |g, c| gcd(g, c.unsigned_abs())) as i128;
    for coefficient in Arc::make_mut(&mut rest.terms).values_mut() {
        *coefficient /= shared;
    }
    if rest.is_zero() {
        return Some(whole);
    }
    rest.add_term(Vec::new(), constant / shared)?;
    if divisor == shared {
        return whole.plus(&rest);
    }
    whole.plus(&Poly::atom(Atom::Quotient(Box::new(rest), Box::new(Poly::integer(divisor / shared)))))
}

#[inline]
fn by_poly(numerator: &Poly, denominator: &Poly) -> Option<Poly> {
    let (mut whole, mut rest) = (Poly::default(), Poly::default());
    for (factors, coefficient) in numerator.terms.iter() {
        let term = Poly::term(factors.clone(), *coefficient);
        match exact(&term, denominator) {
            Some(quotient) => whole = whole.plus(&quotient)?,
            None => rest = rest.plus(&term)?,
        }
    }
    whole.plus(&Poly::atom(Atom::Quotient(Box::new(rest), Box::new(denominator.clone()))))
}

/// The sorted factors that both have.
#[inline]
fn common(a: &[Atom], b: &[Atom]) -> Vec<Atom> {
    let mut left = b.to_vec();
    a.iter()
        .filter(|atom| left.iter().position(|other| other == *atom).map(|i| left.remove(i)).is_some())
        .cloned()
        .collect()
}

/// `factors` without `taken`, if it has them all.
#[inline]
fn without(factors: &[Atom], taken: &[Atom]) -> Option<Vec<Atom>> {
    let mut left = factors.to_vec();
    for atom in taken {
        let at = left.iter().position(|other| other == atom)?;
        left.remove(at);
    }
    Some(left)
}

#[inline]
pub(super) fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
