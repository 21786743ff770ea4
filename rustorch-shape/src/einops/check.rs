//! A pattern against the shape of its operand.

use super::{Group, Part, Pattern, PatternError};
use crate::error::{Dims, ShapeError};
use crate::size::{Relation, Size, Truth};

/// The steps that a pattern stands for, in order: reshape, reduce, permute, expand, reshape.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe<S> {
    /// The shape with every axis of the operand split into elementary ones.
    pub split: Vec<S>,
    /// The axes of it that are reduced, ascending.
    pub reduced: Vec<usize>,
    /// The axes that are left in the order of the result.
    pub permutation: Vec<usize>,
    /// Where new axes are inserted, ascending, and their sizes.
    pub inserted: Vec<(usize, S)>,
    /// The shape of the result.
    pub output: Vec<S>,
}

impl Pattern {
    /// Checks an operand of shape `shape`, with `sizes` for the axes named when the pattern was parsed.
    ///
    /// ```
    /// use rustorch_shape::einops::{Operation, Pattern};
    /// let pattern = Pattern::parse(Operation::Reduce, "b (h 2) (w 2) -> b h w", &[]).unwrap();
    /// let recipe = pattern.check(&[5, 8, 6], &[], &mut ()).unwrap();
    /// assert_eq!((recipe.reduced, recipe.output), (vec![2, 4], vec![5, 4, 3]));
    /// ```
    ///
    /// # Errors
    /// If the rank does not fit, or an axis is not the product of its parts.
    pub fn check<S: Size>(
        &self,
        shape: &[S],
        sizes: &[S],
        claims: &mut S::Claims,
    ) -> Result<Recipe<S>, PatternError> {
        let covered = self.covered(shape)?;
        let mut known: Vec<Option<S>> = self.axes.iter().map(|axis| axis.size.map(S::constant)).collect();
        for (&axis, size) in self.sizes.iter().zip(sizes) {
            known[axis] = Some(size.clone());
        }
        // The elementary axes of the operand, by number; those of the ellipsis come after all others.
        let (mut order, mut split, mut ellipsis) = (Vec::new(), Vec::new(), Vec::new());
        let mut at = 0;
        for group in &self.left {
            if group.has_ellipsis() {
                ellipsis = shape[at..at + covered].to_vec();
                order.extend(self.axes.len()..self.axes.len() + covered);
                split.extend_from_slice(&ellipsis);
                at += covered;
                continue;
            }
            self.split(group, at, &shape[at], &mut known, claims)?;
            at += 1;
            for axis in group.axes() {
                order.push(axis);
                // Every part of a split axis was given or inferred.
                split.extend(known[axis].clone());
            }
        }
        self.recipe(&order, split, &ellipsis, &known)
    }

    /// How many axes the ellipsis stands for.
    fn covered<S: Size>(&self, shape: &[S]) -> Result<usize, PatternError> {
        let ellipsis = self.left.iter().any(Group::has_ellipsis);
        let written = self.left.len() - usize::from(ellipsis);
        if shape.len() == written || (ellipsis && shape.len() > written) {
            return Ok(shape.len() - written);
        }
        let plural = |count: usize| if count == 1 { "1 axis".to_owned() } else { format!("{count} axes") };
        Err(PatternError::new(
            format!(
                "the operand {} has {}, but the left side has {}{}",
                Dims(shape),
                plural(shape.len()),
                plural(written),
                if ellipsis { " besides the ellipsis" } else { "" }
            ),
            0,
        ))
    }

    /// Splits axis `at` of the operand, inferring the one size that is not known.
    fn split<S: Size>(
        &self,
        group: &Group,
        at: usize,
        size: &S,
        known: &mut [Option<S>],
        claims: &mut S::Claims,
    ) -> Result<(), PatternError> {
        let given = group.axes().filter_map(|axis| known[axis].clone());
        let too_large = || {
            PatternError::new(format!("the size of `{}` is too large", self.group_text(group)), group.offset)
        };
        let part = product(given).ok_or_else(too_large)?;
        let unknown = group.axes().find(|&axis| known[axis].is_none());
        // The sizes that the user gave, where the group has any.
        let with = || {
            let given = group.axes().filter(|&axis| self.axes[axis].size.is_none());
            let shown: Vec<String> = given
                .filter_map(|axis| Some(format!("{} = {}", self.axes[axis].name, known[axis].as_ref()?)))
                .collect();
            if shown.is_empty() { String::new() } else { format!(" with {}", shown.join(", ")) }
        };
        let relation = if unknown.is_some() { Relation::MultipleOf } else { Relation::Equal };
        let text = self.group_text(group);
        let message = match (group.parts.len(), unknown) {
            (0, _) => format!("axis {at} has size {size}, but the pattern has `1`"),
            (1, None) => format!("axis {at} has size {size}, but `{text}` is {part}"),
            (_, None) => format!("axis {at} has size {size}, but `{text}`{} makes {part}", with()),
            (_, Some(_)) => {
                format!("axis {at} has size {size}, but `{text}`{} needs a multiple of {part}", with())
            }
        };
        match size.holds(relation, &part) {
            Truth::True => {}
            Truth::False => return Err(PatternError::new(message, group.offset)),
            Truth::Unknown => {
                let otherwise = ShapeError::input(self.operation.name(), 0, message).at_axis(at);
                S::claim(claims, size, relation, &part, otherwise);
            }
        }
        if let Some(axis) = unknown {
            known[axis] =
                Some(if part.is(1) { size.clone() } else { size.over(&part).ok_or_else(too_large)? });
        }
        Ok(())
    }

    fn recipe<S: Size>(
        &self,
        order: &[usize],
        split: Vec<S>,
        ellipsis: &[S],
        known: &[Option<S>],
    ) -> Result<Recipe<S>, PatternError> {
        let expand = |part: &Part| match part {
            Part::Axis(axis) => *axis..*axis + 1,
            Part::Ellipsis => self.axes.len()..self.axes.len() + ellipsis.len(),
        };
        let wanted: Vec<usize> = self.right.iter().flat_map(|group| &group.parts).flat_map(expand).collect();
        let size = |axis: usize| match axis.checked_sub(self.axes.len()) {
            Some(at) => ellipsis[at].clone(),
            // Axes of the left side have their sizes from the operand, new ones were given theirs.
            None => known[axis].clone().unwrap_or_else(|| S::constant(1)),
        };
        let reduced: Vec<usize> = (0..order.len()).filter(|&at| !wanted.contains(&order[at])).collect();
        let kept: Vec<usize> = order.iter().copied().filter(|axis| wanted.contains(axis)).collect();
        let permutation =
            wanted.iter().filter_map(|axis| kept.iter().position(|other| other == axis)).collect();
        let inserted = wanted.iter().enumerate().filter(|(_, axis)| !order.contains(axis));
        let inserted = inserted.map(|(at, &axis)| (at, size(axis))).collect();
        let mut output = Vec::new();
        for group in &self.right {
            // An ellipsis outside parentheses stays several axes.
            if group.has_ellipsis() && !group.composite {
                output.extend_from_slice(ellipsis);
                continue;
            }
            let parts = group.parts.iter().flat_map(expand).map(size);
            output.push(product(parts).ok_or_else(|| {
                PatternError::new(
                    format!("the size of `{}` is too large", self.group_text(group)),
                    group.offset,
                )
            })?);
        }
        Ok(Recipe { split, reduced, permutation, inserted, output })
    }
}

fn product<S: Size>(sizes: impl IntoIterator<Item = S>) -> Option<S> {
    sizes.into_iter().try_fold(
        S::constant(1),
        |product, size| {
            if product.is(1) { Some(size) } else { product.times(&size) }
        },
    )
}
