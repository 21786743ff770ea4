//! What stands for symbolic sizes where there are none: without the feature `symbolic`, a size is a number.
//!
//! The table of layers is written over [`Poly`]; who constructs layers from it, with every size known, compiles no algebra.

use crate::error::ShapeError;
use crate::size::{Relation, Size, Truth};
use std::fmt;

/// A size.
// Not `Copy`, since symbols are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poly(usize);

/// What a rule took for granted: nothing, since numbers can be compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {}

impl Poly {
    /// Whether it mentions run-time dims.
    pub fn has_dims(&self) -> bool {
        false
    }
}

impl fmt::Display for Poly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Size for Poly {
    type Claims = Vec<Claim>;

    fn constant(n: usize) -> Self {
        Self(n)
    }

    fn as_constant(&self) -> Option<usize> {
        Some(self.0)
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        self.0.plus(&other.0).map(Self)
    }

    fn minus(&self, other: &Self) -> Option<Self> {
        self.0.minus(&other.0).map(Self)
    }

    fn times(&self, other: &Self) -> Option<Self> {
        self.0.times(&other.0).map(Self)
    }

    fn over(&self, other: &Self) -> Option<Self> {
        self.0.over(&other.0).map(Self)
    }

    fn holds(&self, relation: Relation, other: &Self) -> Truth {
        self.0.holds(relation, &other.0)
    }

    fn claim(_: &mut Vec<Claim>, _: &Self, _: Relation, _: &Self, _: ShapeError) {}
}
