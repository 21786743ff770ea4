//! Patterns that rearrange, reduce and repeat axes by name: `"b (h d) t -> b h t d"`.
//!
//! ```text
//! Pattern::parse ──► Pattern ──► Pattern::check(shape, sizes) ──► Recipe
//!   (syntax, names)               (ranks, sizes)                 (reshape, reduce, permute, expand, reshape)
//! ```
//!
//! The notation is that of einops (Rogozhnikov 2022): names stand for axes, parentheses for an axis made of several, `...`
//! for any number of axes, `1` or `()` for an axis of size 1, other numbers for an axis of that size without a name. The
//! macros and the run-time functions share every stage; sizes are numbers at run time, symbolic inside the macros.
//!
//! ```
//! use rustorch_shape::einops::{Operation, Pattern};
//!
//! let pattern = Pattern::parse(Operation::Rearrange, "b (h d) t -> b h t d", &["h"])?;
//! let recipe = pattern.check(&[8, 64, 10], &[4], &mut ())?;
//! assert_eq!(recipe.output, [8, 4, 10, 16]);
//! assert_eq!(recipe.permutation, [0, 1, 3, 2]);
//! # Ok::<(), rustorch_shape::einops::PatternError>(())
//! ```

mod check;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use check::Recipe;

/// What a pattern is for, which decides the names that either side may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Both sides have the same axes.
    Rearrange,
    /// Axes that the right side does not have are reduced.
    Reduce,
    /// Axes that the left side does not have are repeated.
    Repeat,
}

impl Operation {
    /// The name of the macro and of the function.
    #[inline]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rearrange => "rearrange",
            Self::Reduce => "reduce",
            Self::Repeat => "repeat",
        }
    }
}

/// The ways to reduce, as [`Operation::Reduce`] takes them.
pub const REDUCTIONS: [&str; 5] = ["sum", "mean", "max", "min", "prod"];

/// A pattern whose names make sense. Made by [`Pattern::parse`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    operation: Operation,
    text: String,
    axes: Vec<Elementary>,
    left: Vec<Group>,
    right: Vec<Group>,
    /// The axis that each given size is of.
    sizes: Vec<usize>,
}

/// An axis that has a name or, without one, a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elementary {
    /// The name, or the number as written.
    pub name: String,
    /// The size of an axis without a name.
    pub size: Option<usize>,
}

/// An axis of the operand or of the result: none, one, or several elementary ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is made of, slowest first; nothing for an axis of size 1.
    pub parts: Vec<Part>,
    /// Whether it is written in parentheses.
    pub composite: bool,
    /// Where it begins in the text.
    pub offset: usize,
}

/// A part of a [`Group`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An axis, by its number in [`Pattern::axes`].
    Axis(usize),
    /// All axes of the ellipsis.
    Ellipsis,
}

impl Pattern {
    /// What the pattern is for.
    #[inline]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The pattern as written.
    #[inline]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The elementary axes, those of the left side first.
    #[inline]
    pub fn axes(&self) -> &[Elementary] {
        &self.axes
    }

    /// The axes of the operand.
    #[inline]
    pub fn left(&self) -> &[Group] {
        &self.left
    }

    /// The axes of the result.
    #[inline]
    pub fn right(&self) -> &[Group] {
        &self.right
    }

    /// The elementary axis that each given size is of, in the order of the names given to [`Pattern::parse`].
    #[inline]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The text of a group: `h`, `(h d)`, `1`.
    #[inline]
    pub fn group_text(&self, group: &Group) -> String {
        let part = |part: &Part| match part {
            Part::Axis(axis) => self.axes[*axis].name.as_str(),
            Part::Ellipsis => "...",
        };
        let parts: Vec<&str> = group.parts.iter().map(part).collect();
        match (&parts[..], group.composite) {
            ([], _) => "1".to_owned(),
            (_, true) => format!("({})", parts.join(" ")),
            (_, false) => parts.join(" "),
        }
    }
}

impl Group {
    /// The elementary axes of the group.
    #[inline]
    pub fn axes(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().filter_map(|part| match part {
            Part::Axis(axis) => Some(*axis),
            Part::Ellipsis => None,
        })
    }

    /// Whether the ellipsis is part of the group.
    #[inline]
    pub fn has_ellipsis(&self) -> bool {
        self.parts.contains(&Part::Ellipsis)
    }
}

/// A mistake in a pattern, or an operand that does not fit one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong, without the name of the operation.
    pub message: String,
    /// Where in the pattern, in bytes.
    pub offset: Option<usize>,
    /// The given size it is about, by its number.
    pub size: Option<usize>,
}

impl PatternError {
    #[inline]
    fn new(message: impl Into<String>, offset: impl Into<Option<usize>>) -> Self {
        Self { message: message.into(), offset: offset.into(), size: None }
    }

    #[inline]
    fn about_size(message: impl Into<String>, size: usize) -> Self {
        Self { message: message.into(), offset: None, size: Some(size) }
    }

    /// The message followed by `text`, the pattern as written, with a caret under the place.
    #[inline]
    pub fn render(&self, text: &str) -> String {
        match self.offset {
            Some(offset) if offset <= text.len() && text.is_char_boundary(offset) => {
                let column = text[..offset].chars().count();
                format!("{self}\n    {text}\n    {:column$}^", "")
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for PatternError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PatternError {}
