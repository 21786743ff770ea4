//! What an expression stands for: a tensor, or a tuple of values.

use super::super::ir::{Tree, Use};

#[derive(Clone)]
pub(super) enum Val {
    Tensor(Use),
    Tuple(Vec<Val>),
    /// There was a mistake, which has been reported.
    Broken,
}

impl Val {
    /// How it is grouped.
    pub fn tree(&self) -> Tree {
        match self {
            Val::Tuple(parts) => Tree::Tuple(parts.iter().map(Val::tree).collect()),
            Val::Tensor(_) | Val::Broken => Tree::One,
        }
    }

    /// Its tensors in order; `None` after a mistake.
    pub fn flat(&self) -> Option<Vec<Use>> {
        match self {
            Val::Tensor(value) => Some(vec![value.clone()]),
            Val::Tuple(parts) => {
                let parts = parts.iter().map(Val::flat).collect::<Option<Vec<_>>>()?;
                Some(parts.into_iter().flatten().collect())
            }
            Val::Broken => None,
        }
    }

    /// The tensors grouped as `tree`, which must ask for as many.
    pub fn grouped(tree: &Tree, values: &mut impl Iterator<Item = Use>) -> Val {
        match tree {
            Tree::One => values.next().map_or(Val::Broken, Val::Tensor),
            Tree::Tuple(parts) => Val::Tuple(parts.iter().map(|part| Val::grouped(part, values)).collect()),
        }
    }
}
