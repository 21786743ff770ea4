//! Symbolic sizes: integer polynomials over named dims, const parameters and floor divisions.
//!
//! A [`Poly`] is kept in a normal form, so that `(h + 2*1 - 3)/1 + 1 == h` and `4*D/D == 4` are plain
//! equality. The rules of the normal form for divisions are in [`mod@divide`]; what can be proved
//! about two polynomials that are not identical is in [`mod@decide`].

mod decide;
mod display;
mod divide;

use crate::einsum::AxisSize;
use crate::error::ShapeError;
use crate::size::{Relation, Size, Truth};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A factor of a term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A size known at run time, by its name: `batch`. A rule holds only if it does for all its values.
    Dim(String),
    /// A const parameter or constant, as the user wrote it: `D`, `config::WIDTH`.
    Param(String),
    /// A floor division that leaves a remainder for some values: `h/2`.
    Quotient(Box<Poly>, Box<Poly>),
}

/// A symbolic size.
///
/// ```
/// use rustorch_shape::{Poly, Size};
/// let h = Poly::dim("h");
/// let padded = h.plus(&Poly::constant(2)).unwrap();
/// let out = padded.minus(&Poly::constant(3)).unwrap().over(&Poly::constant(1)).unwrap();
/// assert_eq!(out.plus(&Poly::constant(1)), Some(h));
/// assert_eq!(Poly::param("D").times(&Poly::constant(4)).unwrap().to_string(), "4*D");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Poly {
    /// Coefficients (never 0) by the sorted factors of their term; no factors for the constant. Shared, since macros, which
    /// are compiled without optimisation, hand the same few sizes on from step to step.
    terms: Arc<BTreeMap<Vec<Atom>, i128>>,
}

impl Ord for Poly {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.terms, &other.terms) { Ordering::Equal } else { self.terms.cmp(&other.terms) }
    }
}

impl PartialOrd for Poly {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a rule took for granted about symbolic sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The left side.
    pub left: Poly,
    /// How the sides relate.
    pub relation: Relation,
    /// The right side.
    pub right: Poly,
    /// The error, if the claim is wrong.
    pub otherwise: ShapeError,
}

impl Poly {
    /// A size known at run time.
    pub fn dim(name: impl Into<String>) -> Self {
        Poly::atom(Atom::Dim(name.into()))
    }

    /// A const parameter, or a constant known by name.
    pub fn param(name: impl Into<String>) -> Self {
        Poly::atom(Atom::Param(name.into()))
    }

    /// The integer `n`, negative ones included: differences may pass through them.
    pub fn integer(n: i128) -> Self {
        Poly::term(Vec::new(), n)
    }

    /// The single name that this is, with whether it is a run-time dim.
    pub fn as_name(&self) -> Option<&Atom> {
        match self.single_term()? {
            ([atom @ (Atom::Dim(_) | Atom::Param(_))], 1) => Some(atom),
            _ => None,
        }
    }

    /// The integer that this is.
    pub fn as_integer(&self) -> Option<i128> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&[][..]).copied(),
            _ => None,
        }
    }

    /// The names of the run-time dims in it.
    #[inline]
    pub fn dims(&self) -> BTreeSet<&str> {
        self.names()
            .into_iter()
            .filter_map(|atom| if let Atom::Dim(n) = atom { Some(&**n) } else { None })
            .collect()
    }

    /// Whether it mentions run-time dims.
    #[inline]
    pub fn has_dims(&self) -> bool {
        !self.dims().is_empty()
    }

    /// The names of the const parameters in it.
    #[inline]
    pub fn params(&self) -> BTreeSet<&str> {
        self.names()
            .into_iter()
            .filter_map(|atom| if let Atom::Param(n) = atom { Some(&**n) } else { None })
            .collect()
    }

    /// The value, given those of the names. `None` on overflow, or a division by zero.
    #[inline]
    pub fn evaluate(&self, value: &dyn Fn(&Atom) -> Option<i128>) -> Option<i128> {
        let mut sum = 0i128;
        for (factors, coefficient) in self.terms.iter() {
            let mut product = *coefficient;
            for factor in factors {
                let factor = match factor {
                    Atom::Quotient(n, d) => {
                        let (n, d) = (n.evaluate(value)?, d.evaluate(value)?);
                        if d <= 0 { return None } else { n.checked_div_euclid(d)? }
                    }
                    name => value(name)?,
                };
                product = product.checked_mul(factor)?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    /// The same with `value` in place of a name. `None` on overflow, or a division by zero.
    ///
    /// ```
    /// use rustorch_shape::{Poly, Size};
    /// let (h, stride) = (Poly::dim("h"), Poly::param("STRIDE"));
    /// let less = h.minus(&Poly::constant(1)).and_then(|h| h.over(&stride)).unwrap();
    /// let strided = less.plus(&Poly::constant(1)).unwrap();
    /// assert_eq!(strided.with("STRIDE", &Poly::constant(1)), Some(h));
    /// ```
    #[inline]
    pub fn with(&self, name: &str, value: &Poly) -> Option<Self> {
        let mut sum = Poly::default();
        for (factors, coefficient) in self.terms.iter() {
            let mut product = Poly::integer(*coefficient);
            for factor in factors {
                let factor = match factor {
                    Atom::Dim(other) | Atom::Param(other) if other == name => value.clone(),
                    Atom::Quotient(n, d) => n.with(name, value)?.over(&d.with(name, value)?)?,
                    other => Poly::atom(other.clone()),
                };
                product = product.times(&factor)?;
            }
            sum = sum.plus(&product)?;
        }
        Some(sum)
    }

    /// The terms that are added, and those that are taken off: `4*D - K` is `4*D` and `K`.
    pub fn halves(&self) -> (Self, Self) {
        decide::halves(self)
    }

    /// The divisions in it, with what is divided and by what; those in others first.
    pub fn quotients(&self) -> Vec<(&Poly, &Poly)> {
        let mut all = Vec::new();
        for atom in self.terms.keys().flatten() {
            if let Atom::Quotient(numerator, denominator) = atom {
                all.extend(numerator.quotients().into_iter().chain(denominator.quotients()));
                all.push((&**numerator, &**denominator));
            }
        }
        all
    }

    fn atom(atom: Atom) -> Self {
        Poly::term(vec![atom], 1)
    }

    fn term(factors: Vec<Atom>, coefficient: i128) -> Self {
        let terms = (coefficient != 0).then_some((factors, coefficient));
        Poly { terms: Arc::new(terms.into_iter().collect()) }
    }

    fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The factors and coefficient of the only term.
    #[inline]
    fn single_term(&self) -> Option<(&[Atom], i128)> {
        match self.terms.first_key_value() {
            Some((factors, coefficient)) if self.terms.len() == 1 => Some((factors, *coefficient)),
            _ => None,
        }
    }

    /// Adds `coefficient * factors`, which must be sorted.
    fn add_term(&mut self, factors: Vec<Atom>, coefficient: i128) -> Option<()> {
        use std::collections::btree_map::Entry;
        match Arc::make_mut(&mut self.terms).entry(factors) {
            Entry::Vacant(slot) => {
                if coefficient != 0 {
                    slot.insert(coefficient);
                }
            }
            Entry::Occupied(mut slot) => {
                let sum = slot.get().checked_add(coefficient)?;
                if sum == 0 {
                    slot.remove();
                } else {
                    *slot.get_mut() = sum;
                }
            }
        }
        Some(())
    }

    /// Every dim and parameter in it, also those inside divisions.
    #[inline]
    fn names(&self) -> BTreeSet<&Atom> {
        let mut names = BTreeSet::new();
        for atom in self.terms.keys().flatten() {
            match atom {
                Atom::Quotient(n, d) => names.extend(n.names().into_iter().chain(d.names())),
                name => {
                    names.insert(name);
                }
            }
        }
        names
    }
}

impl Size for Poly {
    type Claims = Vec<Claim>;

    fn constant(n: usize) -> Self {
        Poly::integer(n as i128)
    }

    fn as_constant(&self) -> Option<usize> {
        usize::try_from(self.as_integer()?).ok()
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        let mut sum = self.clone();
        for (factors, coefficient) in other.terms.iter() {
            sum.add_term(factors.clone(), *coefficient)?;
        }
        Some(sum)
    }

    fn minus(&self, other: &Self) -> Option<Self> {
        let mut difference = self.clone();
        for (factors, coefficient) in other.terms.iter() {
            difference.add_term(factors.clone(), coefficient.checked_neg()?)?;
        }
        Some(difference)
    }

    fn times(&self, other: &Self) -> Option<Self> {
        // Most factors of shapes are 1.
        match (self.as_integer(), other.as_integer()) {
            (Some(1), _) => return Some(other.clone()),
            (_, Some(1)) => return Some(self.clone()),
            _ => {}
        }
        let mut product = Poly::default();
        for (left, a) in self.terms.iter() {
            for (right, b) in other.terms.iter() {
                let mut factors = [&left[..], &right[..]].concat();
                factors.sort();
                product.add_term(factors, a.checked_mul(*b)?)?;
            }
        }
        Some(product)
    }

    #[inline]
    fn over(&self, other: &Self) -> Option<Self> {
        divide::floor(self, other)
    }

    #[inline]
    fn holds(&self, relation: Relation, other: &Self) -> Truth {
        match relation {
            Relation::Equal => decide::equal(self, other),
            Relation::AtLeast => decide::at_least(self, other),
            Relation::MultipleOf => decide::multiple_of(self, other),
        }
    }

    #[inline]
    fn claim(claims: &mut Vec<Claim>, left: &Self, relation: Relation, right: &Self, otherwise: ShapeError) {
        let claim = Claim { left: left.clone(), relation, right: right.clone(), otherwise };
        if !claims.iter().any(|c| (&c.left, c.relation, &c.right) == (left, relation, right)) {
            claims.push(claim);
        }
    }
}

impl AxisSize for Poly {
    #[inline]
    fn same(&self, other: &Self) -> Option<bool> {
        match self.holds(Relation::Equal, other) {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown => None,
        }
    }

    #[inline]
    fn is_one(&self) -> bool {
        self.is(1)
    }

    #[inline]
    fn weight(&self) -> f64 {
        let large = 1 << 20;
        self.evaluate(&|_| Some(large)).map_or(f64::MAX, |value| value as f64)
    }
}

impl Claim {
    /// The claim as conditions on const parameters alone, which a compiler can evaluate: a claim
    /// about run-time dims must hold for all their values, hence coefficient by coefficient.
    ///
    /// `None` when no such conditions exist; the operation itself then checks at run time.
    #[inline]
    pub fn conditions(&self) -> Option<Vec<(Poly, Relation, Poly)>> {
        decide::conditions(&self.left, self.relation, &self.right)
    }
}

#[cfg(test)]
mod tests;
