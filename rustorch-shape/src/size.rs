//! What a shape rule needs to know about a size.

use crate::error::ShapeError;
use std::fmt;

/// The size of an axis: `usize` at run time, [`Poly`](crate::Poly) inside the macros.
///
/// Arithmetic is checked: `None` means that the result is not a size (overflow, a division by zero,
/// for `usize` also a negative difference), which the rules turn into an error that names the axis.
pub trait Size: Clone + PartialEq + fmt::Debug + fmt::Display {
    /// Where a rule leaves what it could neither prove nor refute. `()` at run time, where every
    /// relation is decided.
    type Claims;

    /// The size `n`.
    fn constant(n: usize) -> Self;
    /// The number, if this is one.
    fn as_constant(&self) -> Option<usize>;
    /// `self + other`.
    fn plus(&self, other: &Self) -> Option<Self>;
    /// `self - other`.
    fn minus(&self, other: &Self) -> Option<Self>;
    /// `self * other`.
    fn times(&self, other: &Self) -> Option<Self>;
    /// `self / other`, rounded down.
    fn over(&self, other: &Self) -> Option<Self>;
    /// Whether `self relation other` holds for every value of the names in both.
    fn holds(&self, relation: Relation, other: &Self) -> Truth;
    /// Records that the result of the rule is right only if `self relation other`; `otherwise` is
    /// the error if it is not.
    fn claim(claims: &mut Self::Claims, left: &Self, relation: Relation, right: &Self, otherwise: ShapeError);

    /// Whether this is known to be the constant `n`.
    fn is(&self, n: usize) -> bool {
        self.as_constant() == Some(n)
    }
}

/// A relation between two sizes that a rule relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `left == right`
    Equal,
    /// `left >= right`
    AtLeast,
    /// `left % right == 0`
    MultipleOf,
}

/// What is known about a [`Relation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds, whatever the values of the names.
    True,
    /// It cannot be relied on: it fails for every value of the const parameters, or for some value
    /// of a run-time dim.
    False,
    /// It depends on the values of const parameters, or is beyond the algebra.
    Unknown,
}

impl From<bool> for Truth {
    fn from(known: bool) -> Self {
        if known { Truth::True } else { Truth::False }
    }
}

impl Size for usize {
    type Claims = ();

    fn constant(n: usize) -> Self {
        n
    }

    fn as_constant(&self) -> Option<usize> {
        Some(*self)
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        self.checked_add(*other)
    }

    fn minus(&self, other: &Self) -> Option<Self> {
        self.checked_sub(*other)
    }

    fn times(&self, other: &Self) -> Option<Self> {
        self.checked_mul(*other)
    }

    fn over(&self, other: &Self) -> Option<Self> {
        self.checked_div(*other)
    }

    fn holds(&self, relation: Relation, other: &Self) -> Truth {
        Truth::from(match relation {
            Relation::Equal => self == other,
            Relation::AtLeast => self >= other,
            Relation::MultipleOf => self.checked_rem(*other) == Some(0),
        })
    }

    fn claim((): &mut (), _: &Self, _: Relation, _: &Self, _: ShapeError) {}
}
