//! From a checked specification to steps that a matrix multiplication can take.
//!
//! Every operand is first prepared alone: axes that only broadcast are dropped, repeated indices become diagonals, and
//! indices that nobody else has are summed. Then pairs are contracted, each a batched matrix product over four groups of
//! indices:
//!
//! ```text
//! left [batch, rows, contracted] × right [batch, contracted, columns] = [batch, rows, columns]
//! ```
//!
//! The indices within a group stand in the order of the operand that has them, so that the axes of a contiguous operand
//! merge into one axis of the product without a copy; what order the output wants is left to one permutation of axes at
//! the end, which is a view.

use std::fmt;

use super::path::{IndexSet, contraction_order};
use super::{Axis, Index, Spec};

/// The steps of an einsum. Values are numbered: the prepared operands from 0, then the results of the contractions.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to do to each operand.
    pub prepare: Vec<Prepare>,
    /// The pairs to contract, in order; one fewer than there are operands.
    pub contractions: Vec<Contraction>,
    /// The axes of the last value in the order of the output; `None` where that is the order they have.
    pub permutation: Option<Vec<usize>>,
}

/// What to do to one operand before it meets another: drop axes, take diagonals, then sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepare {
    /// Axes of size 1 that broadcast, to be dropped, ascending.
    pub dropped: Vec<usize>,
    /// The axes that each index has in the operand as given. More than one stand for their diagonal.
    pub axes: Vec<Vec<usize>>,
    /// Positions in [`Self::axes`] to be summed, ascending.
    pub summed: Vec<usize>,
    /// The indices that are left, in order.
    pub indices: Vec<Index>,
}

/// A batched matrix product of two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Contraction {
    /// The value on the left.
    pub left: usize,
    /// The value on the right.
    pub right: usize,
    /// Indices of both that are kept.
    pub batch: Vec<Index>,
    /// Indices of the left alone.
    pub rows: Vec<Index>,
    /// Indices of the right alone; in a plan, empty if [`Self::rows`] is.
    pub columns: Vec<Index>,
    /// Indices of both that are summed.
    pub contracted: Vec<Index>,
    /// The axes of the left value in the order batch, rows, contracted.
    pub left_axes: Vec<usize>,
    /// The axes of the right value in the order batch, contracted, columns.
    pub right_axes: Vec<usize>,
    /// Multiply-adds.
    pub work: f64,
}

/// The gradient of one operand of a [`Contraction`], itself a contraction.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// What to compute.
    pub contraction: Contraction,
    /// The axes of its result in the order that the operand has them.
    pub permutation: Vec<usize>,
}

impl Prepare {
    /// Whether the operand is used as it is.
    #[inline]
    pub fn is_identity(&self) -> bool {
        self.dropped.is_empty() && self.summed.is_empty() && self.axes.iter().all(|axes| axes.len() == 1)
    }

    /// Whether an index is repeated.
    #[inline]
    pub fn has_diagonal(&self) -> bool {
        self.axes.iter().any(|axes| axes.len() > 1)
    }

    #[inline]
    fn new(axes: &[Axis], needed: IndexSet) -> Self {
        let mut prepare = Self::default();
        let mut found: Vec<Index> = Vec::with_capacity(axes.len());
        for (at, axis) in axes.iter().enumerate() {
            match found.iter().position(|&index| index == axis.index) {
                _ if axis.broadcast => prepare.dropped.push(at),
                Some(known) => prepare.axes[known].push(at),
                None => {
                    found.push(axis.index);
                    prepare.axes.push(vec![at]);
                }
            }
        }
        let (kept, summed): (Vec<usize>, Vec<usize>) =
            (0..found.len()).partition(|&position| needed.contains(found[position]));
        prepare.summed = summed;
        prepare.indices = kept.into_iter().map(|position| found[position]).collect();
        prepare
    }
}

impl Plan {
    #[inline]
    pub(super) fn new(
        operands: &[Vec<Axis>],
        output: &[Index],
        weights: &[f64],
        order: Option<&[(usize, usize)]>,
    ) -> Self {
        let present = |axes: &Vec<Axis>| {
            IndexSet::of(axes.iter().filter(|axis| !axis.broadcast).map(|axis| axis.index))
        };
        let sets: Vec<IndexSet> = operands.iter().map(present).collect();
        let wanted = IndexSet::of(output.iter().copied());
        let prepare: Vec<Prepare> = operands
            .iter()
            .enumerate()
            .map(|(at, axes)| {
                let others = sets.iter().enumerate().filter(|(other, _)| *other != at);
                Prepare::new(axes, others.fold(wanted, |set, (_, other)| set.union(*other)))
            })
            .collect();
        let mut values: Vec<Vec<Index>> = prepare.iter().map(|prepare| prepare.indices.clone()).collect();
        let kept: Vec<IndexSet> =
            values.iter().map(|indices| IndexSet::of(indices.iter().copied())).collect();
        let pairs = operands.len().saturating_sub(1);
        let order = match order.and_then(|order| order.get(..pairs)) {
            Some(order) => order.to_vec(),
            None => contraction_order(&kept, wanted, weights),
        };
        let mut used = vec![false; values.len() + order.len()];
        let mut contractions = Vec::with_capacity(order.len());
        for (left, right) in order {
            (used[left], used[right]) = (true, true);
            let unused = values.iter().enumerate().filter(|(value, _)| !used[*value]);
            let needed =
                unused.fold(wanted, |set, (_, indices)| set.union(IndexSet::of(indices.iter().copied())));
            let last = contractions.len() + 2 == operands.len();
            let contraction =
                Contraction::new(&values, (left, right), needed, if last { output } else { &[] }, weights);
            values.push(contraction.result());
            contractions.push(contraction);
        }
        let last = values.pop().unwrap_or_default();
        let permutation: Vec<usize> = axes_of(&last, output.iter());
        let identity = permutation.iter().enumerate().all(|(at, &axis)| at == axis);
        Self { prepare, contractions, permutation: (!identity).then_some(permutation) }
    }

    /// The multiply-adds of all contractions together.
    #[inline]
    pub fn work(&self) -> f64 {
        self.contractions.iter().map(|contraction| contraction.work).sum()
    }

    /// The steps in words, with the names that `spec` gives the indices.
    #[inline]
    pub fn explain<'a>(&'a self, spec: &'a Spec) -> Explain<'a> {
        Explain { plan: self, spec }
    }
}

impl Contraction {
    /// The indices of the result, in order: batch, rows, columns.
    #[inline]
    pub fn result(&self) -> Vec<Index> {
        [&self.batch[..], &self.rows, &self.columns].concat()
    }

    /// Whether nothing is summed, so that the result is a broadcasting product of elements.
    #[inline]
    pub fn is_elementwise(&self) -> bool {
        self.contracted.is_empty()
    }

    /// The gradient with respect to the left operand, from that of the result (value 0) and the right operand (value 1).
    #[inline]
    pub fn left_gradient(&self) -> Gradient {
        let (batch, summed) = (self.batch.len(), self.contracted.len());
        let (shared, columns) = self.right_axes.split_at(batch + summed);
        let contraction = Contraction {
            left: 0,
            right: 1,
            columns: self.contracted.clone(),
            contracted: self.columns.clone(),
            left_axes: (0..batch + self.rows.len() + self.columns.len()).collect(),
            right_axes: [&shared[..batch], columns, &shared[batch..]].concat(),
            ..self.clone()
        };
        Gradient { contraction, permutation: inverse(&self.left_axes) }
    }

    /// The gradient with respect to the right operand, from the left operand (value 0) and that of the result (value 1).
    #[inline]
    pub fn right_gradient(&self) -> Gradient {
        let (batch, rows) = (self.batch.len(), self.rows.len());
        let (kept, contracted) = self.left_axes.split_at(batch + rows);
        let contraction = Contraction {
            left: 0,
            right: 1,
            rows: self.contracted.clone(),
            contracted: self.rows.clone(),
            left_axes: [&kept[..batch], contracted, &kept[batch..]].concat(),
            right_axes: (0..batch + rows + self.columns.len()).collect(),
            ..self.clone()
        };
        Gradient { contraction, permutation: inverse(&self.right_axes) }
    }

    /// Sorts the indices of the pair into groups. `needed` holds those that the output or an unused value has; `output` is
    /// empty unless this is the last contraction.
    #[inline]
    fn new(
        values: &[Vec<Index>],
        (mut left, mut right): (usize, usize),
        needed: IndexSet,
        output: &[Index],
        weights: &[f64],
    ) -> Self {
        let only = |a: usize, b: usize| -> Vec<Index> {
            values[a].iter().copied().filter(|index| !values[b].contains(index)).collect()
        };
        let (mut rows, mut columns) = (only(left, right), only(right, left));
        // The side whose indices the output has first gives the rows, which saves transposing the result; and a matrix
        // times a vector is written that way round.
        let first = output.iter().find(|index| rows.contains(index) || columns.contains(index));
        if rows.is_empty() || first.is_some_and(|index| columns.contains(index) && !columns.is_empty()) {
            (left, right, rows, columns) = (right, left, columns, rows);
        }
        let volume = |value: usize| IndexSet::of(values[value].iter().copied()).volume(weights);
        let shared = |value: usize, kept: bool| -> Vec<Index> {
            let other = if value == left { right } else { left };
            let both = values[value].iter().copied().filter(|index| values[other].contains(index));
            both.filter(|&index| needed.contains(index) == kept).collect()
        };
        let batch = shared(left, true);
        // The summed axes take the order they have in the larger operand, where a copy would cost more.
        let contracted = shared(if volume(left) >= volume(right) { left } else { right }, false);
        let left_axes = axes_of(&values[left], batch.iter().chain(&rows).chain(&contracted));
        let right_axes = axes_of(&values[right], batch.iter().chain(&contracted).chain(&columns));
        let all = IndexSet::of(values[left].iter().chain(&values[right]).copied());
        Self {
            left,
            right,
            batch,
            rows,
            columns,
            contracted,
            left_axes,
            right_axes,
            work: all.volume(weights),
        }
    }
}

/// Where in `indices` each of `wanted` stands.
#[inline]
fn axes_of<'a>(indices: &[Index], wanted: impl Iterator<Item = &'a Index>) -> Vec<usize> {
    wanted.filter_map(|index| indices.iter().position(|other| other == index)).collect()
}

#[inline]
fn inverse(permutation: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; permutation.len()];
    permutation.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
    inverse
}

/// A [`Plan`] as text, made by [`Plan::explain`]: one line for each step.
///
/// ```
/// # use rustorch_shape::einsum::Spec;
/// let spec = Spec::parse("ij,jk,kl->il")?;
/// let plan = spec.check(&[vec![64, 64], vec![64, 512], vec![512, 64]]).unwrap().plan();
/// assert_eq!(plan.explain(&spec).to_string(), "\
/// ij,jk,kl->il: 2359296 multiply-adds
///   jk,kl->jl: rows j, columns l, summed k; 2097152 multiply-adds
///   ij,jl->il: rows i, columns l, summed j; 262144 multiply-adds
/// ");
/// # Ok::<(), rustorch_shape::einsum::EinsumError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Explain<'a> {
    plan: &'a Plan,
    spec: &'a Spec,
}

impl Explain<'_> {
    #[inline]
    fn names(&self, indices: &[Index]) -> String {
        let labels = &self.spec.labels;
        let separator = if labels.iter().all(|label| label.chars().count() == 1) { "" } else { " " };
        // Axes under the ellipsis are counted: `.0` is its leftmost.
        let name = |&index: &Index| {
            labels.get(index).cloned().unwrap_or_else(|| format!(".{}", index - labels.len()))
        };
        indices.iter().map(name).collect::<Vec<_>>().join(separator)
    }
}

impl fmt::Display for Explain<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} multiply-adds", self.spec, self.plan.work())?;
        for (operand, prepare) in
            self.plan.prepare.iter().enumerate().filter(|(_, prepare)| !prepare.is_identity())
        {
            write!(f, "  operand {operand}:")?;
            if !prepare.dropped.is_empty() {
                write!(f, " drop axes {:?} of size 1;", prepare.dropped)?;
            }
            for axes in prepare.axes.iter().filter(|axes| axes.len() > 1) {
                write!(f, " diagonal of axes {axes:?};")?;
            }
            if !prepare.summed.is_empty() {
                let axes: Vec<usize> =
                    prepare.summed.iter().flat_map(|&at| prepare.axes[at].iter().copied()).collect();
                write!(f, " sum over axes {axes:?};")?;
            }
            writeln!(f, " leaves {}", or_scalar(self.names(&prepare.indices)))?;
        }
        let mut values: Vec<Vec<Index>> =
            self.plan.prepare.iter().map(|prepare| prepare.indices.clone()).collect();
        for step in &self.plan.contractions {
            let (left, right) = (self.names(&values[step.left]), self.names(&values[step.right]));
            write!(f, "  {left},{right}->{}:", self.names(&step.result()))?;
            let groups = [
                ("batch", &step.batch),
                ("rows", &step.rows),
                ("columns", &step.columns),
                ("summed", &step.contracted),
            ];
            let shown = groups.iter().filter(|(_, indices)| !indices.is_empty());
            let shown: Vec<String> =
                shown.map(|(name, indices)| format!("{name} {}", self.names(indices))).collect();
            writeln!(f, " {}; {} multiply-adds", shown.join(", "), step.work)?;
            values.push(step.result());
        }
        match &self.plan.permutation {
            Some(axes) => writeln!(f, "  permute axes {axes:?}"),
            None => Ok(()),
        }
    }
}

#[inline]
fn or_scalar(names: String) -> String {
    if names.is_empty() { "a scalar".to_owned() } else { names }
}
