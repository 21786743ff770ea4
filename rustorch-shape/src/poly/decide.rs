//! What can be proved about two polynomials.
//!
//! Const parameters get their values later, from the compiler, so a relation between them that is
//! neither always nor never true is [`Truth::Unknown`]. Run-time dims take every value, so a relation
//! that fails for one of them is [`Truth::False`]: nothing could ever check it before the program runs.

use super::{Atom, Poly, divide};
use crate::size::{Relation, Size, Truth};
use std::collections::BTreeMap;
use std::sync::Arc;

#[inline]
pub(super) fn equal(left: &Poly, right: &Poly) -> Truth {
    if left == right {
        return Truth::True;
    }
    if let (Some(_), Some(_)) = (left.as_integer(), right.as_integer()) {
        return Truth::False;
    }
    let Some(difference) = left.minus(right) else { return Truth::Unknown };
    let (low, high) = bounds(&difference);
    if low.is_some_and(|low| low > 0) || high.is_some_and(|high| high < 0) {
        return Truth::False;
    }
    if difference.dims().is_empty() {
        return Truth::Unknown;
    }
    let zero = Poly::default();
    if differs_somewhere(&difference, |d| d != 0)
        || by_dims(&difference)
            .is_some_and(|parts| parts.iter().any(|part| equal(part, &zero) == Truth::False))
    {
        return Truth::False;
    }
    Truth::Unknown
}

#[inline]
pub(super) fn at_least(left: &Poly, right: &Poly) -> Truth {
    let Some(difference) = left.minus(right) else { return Truth::Unknown };
    match bounds(&difference) {
        (Some(low), _) if low >= 0 => Truth::True,
        (_, Some(high)) if high < 0 => Truth::False,
        _ => Truth::Unknown,
    }
}

#[inline]
pub(super) fn multiple_of(left: &Poly, right: &Poly) -> Truth {
    if right.is_zero() {
        return Truth::False;
    }
    let (left, right) = divide::cancel(left, right);
    if divide::exact(&left, &right).is_some() {
        return Truth::True;
    }
    let Some(divisor) = right.as_integer() else {
        return if right.dims().is_empty() { Truth::Unknown } else { Truth::False };
    };
    let mut rest = Poly::default();
    for (factors, coefficient) in left.terms.iter() {
        if rest.add_term(factors.clone(), coefficient.rem_euclid(divisor)).is_none() {
            return Truth::Unknown;
        }
    }
    // Not divisible by a constant, or not for every value of a run-time dim.
    if rest.as_integer().is_some() || differs_somewhere(&rest, |r| r.rem_euclid(divisor) != 0) {
        return Truth::False;
    }
    Truth::Unknown
}

#[inline]
pub(super) fn conditions(
    left: &Poly,
    relation: Relation,
    right: &Poly,
) -> Option<Vec<(Poly, Relation, Poly)>> {
    let free = |poly: &Poly| poly.dims().is_empty();
    if free(left) && free(right) {
        return Some(vec![(left.clone(), relation, right.clone())]);
    }
    match relation {
        Relation::Equal => {
            // Positive terms left, negative terms right: sizes are unsigned where this is evaluated.
            let parts = by_dims(&left.minus(right)?)?;
            Some(parts.iter().map(halves).map(|(a, b)| (a, relation, b)).collect())
        }
        Relation::MultipleOf => {
            let (left, right) = divide::cancel(left, right);
            free(&right).then_some(())?;
            Some(by_dims(&left)?.into_iter().map(|part| (part, relation, right.clone())).collect())
        }
        Relation::AtLeast => None,
    }
}

/// The terms with positive coefficients, and the others negated.
#[inline]
pub(super) fn halves(poly: &Poly) -> (Poly, Poly) {
    let (mut positive, mut negative) = (Poly::default(), Poly::default());
    for (factors, coefficient) in poly.terms.iter() {
        let side = if *coefficient > 0 { &mut positive } else { &mut negative };
        Arc::make_mut(&mut side.terms).insert(factors.clone(), coefficient.abs());
    }
    (positive, negative)
}

/// The coefficients of the polynomial seen as one in the run-time dims. It is zero for all their
/// values if (and, without divisions, only if) all of these are.
#[inline]
fn by_dims(poly: &Poly) -> Option<Vec<Poly>> {
    let mut parts: BTreeMap<Vec<&Atom>, Poly> = BTreeMap::new();
    for (factors, coefficient) in poly.terms.iter() {
        let (dims, params): (Vec<&Atom>, Vec<&Atom>) = factors.iter().partition(|atom| match atom {
            Atom::Dim(_) => true,
            Atom::Param(_) => false,
            Atom::Quotient(n, d) => !n.dims().is_empty() || !d.dims().is_empty(),
        });
        if dims.iter().any(|atom| matches!(atom, Atom::Quotient(..))) {
            return None;
        }
        let part = parts.entry(dims).or_default();
        part.add_term(params.into_iter().cloned().collect(), *coefficient)?;
    }
    Some(parts.into_values().collect())
}

/// Whether a polynomial in run-time dims alone satisfies `found` for some of a few values of them.
#[inline]
fn differs_somewhere(poly: &Poly, found: impl Fn(i128) -> bool) -> bool {
    const VALUES: [i128; 7] = [1, 2, 3, 5, 7, 16, 31];
    let names = poly.names();
    if names.iter().any(|atom| !matches!(atom, Atom::Dim(_))) {
        return false;
    }
    (0..VALUES.len() * VALUES.len()).any(|round| {
        let value = |atom: &Atom| {
            let at = names.iter().position(|name| *name == atom)?;
            Some(VALUES[(round + at * (round / VALUES.len() + 1)) % VALUES.len()])
        };
        poly.evaluate(&value).is_some_and(&found)
    })
}

/// The least and the greatest value, where names are at least 1. `None` is "without limit".
#[inline]
fn bounds(poly: &Poly) -> (Option<i128>, Option<i128>) {
    let (mut low, mut high) = (Some(0i128), Some(0i128));
    for (factors, coefficient) in poly.terms.iter() {
        let (term_low, term_high) = term_bounds(factors);
        let scaled = |bound: Option<i128>| bound.and_then(|b| b.checked_mul(*coefficient));
        let (least, most) = if *coefficient > 0 { (term_low, term_high) } else { (term_high, term_low) };
        low = low.zip(scaled(least)).and_then(|(a, b)| a.checked_add(b));
        high = high.zip(scaled(most)).and_then(|(a, b)| a.checked_add(b));
    }
    (low, high)
}

#[inline]
fn term_bounds(factors: &[Atom]) -> (Option<i128>, Option<i128>) {
    let (mut low, mut high) = (Some(1i128), Some(1i128));
    for atom in factors {
        let (least, most) = atom_bounds(atom);
        // Products of possibly negative factors are not worth the case analysis.
        if least.is_none_or(|least| least < 0) {
            return (None, None);
        }
        low = low.zip(least).and_then(|(a, b)| a.checked_mul(b));
        high = high.zip(most).and_then(|(a, b)| a.checked_mul(b));
    }
    (low, high)
}

#[inline]
fn atom_bounds(atom: &Atom) -> (Option<i128>, Option<i128>) {
    let Atom::Quotient(numerator, denominator) = atom else { return (Some(1), None) };
    let (low, high) = bounds(numerator);
    let divisor_low = bounds(denominator).0.unwrap_or(1).max(1);
    match low {
        Some(low) if low >= 0 => {
            let least = denominator.as_integer().map_or(0, |d| low / d);
            (Some(least), high.map(|high| high / divisor_low))
        }
        _ => (None, high.filter(|high| *high >= 0).map(|high| high / divisor_low)),
    }
}
