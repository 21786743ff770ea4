//! What `rearrange!`, `reduce!` and `repeat!` do to a tensor, one operation after the other.

use super::ir::Shape;
use rustorch_shape::einops::Recipe;
use rustorch_shape::{Poly, Size};

/// An operation, and the shape that it gives.
pub(super) struct Move {
    pub kind: MoveKind,
    pub shape: Shape,
}

pub(super) enum MoveKind {
    Reshape,
    Reduce(Vec<isize>),
    Permute(Vec<isize>),
    Expand,
}

/// The longest sequence: split, reduce, permute, make room, expand, merge.
pub(super) const MOST_MOVES: usize = 6;

/// The operations that a recipe stands for; those that change nothing are left out, but for the last one.
pub(super) fn moves(recipe: Recipe<Poly>, from: &Shape) -> Vec<Move> {
    let Recipe { split, reduced, permutation, inserted, output } = recipe;
    let mut moves = Vec::new();
    let mut shape = from.clone();
    let mut push = |kind: MoveKind, shape: &Shape| moves.push(Move { kind, shape: shape.clone() });
    if split != shape {
        shape = split;
        push(MoveKind::Reshape, &shape);
    }
    if !reduced.is_empty() {
        let kept = shape.iter().enumerate().filter(|(axis, _)| !reduced.contains(axis));
        shape = kept.map(|(_, size)| size.clone()).collect();
        push(MoveKind::Reduce(axes(&reduced)), &shape);
    }
    if permutation.iter().enumerate().any(|(at, &axis)| at != axis) {
        shape = permutation.iter().map(|&axis| shape[axis].clone()).collect();
        push(MoveKind::Permute(axes(&permutation)), &shape);
    }
    if !inserted.is_empty() {
        for (at, _) in &inserted {
            shape.insert(*at, Poly::constant(1));
        }
        push(MoveKind::Reshape, &shape);
        for (at, size) in inserted {
            shape[at] = size;
        }
        push(MoveKind::Expand, &shape);
    }
    if shape != output || moves.is_empty() {
        moves.push(Move { kind: MoveKind::Reshape, shape: output });
    }
    moves
}

fn axes(numbers: &[usize]) -> Vec<isize> {
    numbers.iter().map(|&axis| axis as isize).collect()
}
