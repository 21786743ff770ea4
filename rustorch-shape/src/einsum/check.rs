//! A specification against the shapes of its operands.

use std::fmt::Display;

use super::{EinsumError, ErrorKind, Index, MAX_INDICES, Plan, Spec, Subscript};

/// What einsum asks of the size of an axis: a number at run time, a symbolic size inside the macros.
pub trait AxisSize: Clone + Display {
    /// Whether two sizes are equal; `None` where that is not known before run time.
    fn same(&self, other: &Self) -> Option<bool>;

    /// Whether the size is known to be 1, so that the axis broadcasts.
    fn is_one(&self) -> bool;

    /// How large the size is to the planner. Symbolic sizes answer with their value at a large common value of all
    /// symbols, so that products of sizes compare by their degree first.
    fn weight(&self) -> f64;
}

impl AxisSize for usize {
    #[inline]
    fn same(&self, other: &Self) -> Option<bool> {
        Some(self == other)
    }

    #[inline]
    fn is_one(&self) -> bool {
        *self == 1
    }

    #[inline]
    fn weight(&self) -> f64 {
        *self as f64
    }
}

/// A specification that fits its operands: every index has one size.
#[derive(Clone, Debug)]
pub struct Checked<S> {
    /// The size of every index.
    pub sizes: Vec<S>,
    /// The index of every axis of every operand.
    pub operands: Vec<Vec<Axis>>,
    /// The indices of the output, in order.
    pub output: Vec<Index>,
    /// Sizes that had to be taken for equal without proof; empty for `usize`.
    pub assumptions: Vec<Assumption>,
}

/// One axis of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its index.
    pub index: Index,
    /// The axis has size 1 and its index a larger one, which it broadcasts to.
    pub broadcast: bool,
}

/// Two axes, as (operand, axis), whose sizes must be equal at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The index both stand for.
    pub index: Index,
    /// The axis that gave the index its size.
    pub first: (usize, usize),
    /// The axis that must agree.
    pub second: (usize, usize),
}

impl<S: AxisSize> Checked<S> {
    /// The shape of the result.
    pub fn output_shape(&self) -> Vec<S> {
        self.output.iter().map(|&index| self.sizes[index].clone()).collect()
    }

    /// The contraction order and the steps to take.
    pub fn plan(&self) -> Plan {
        let weights: Vec<f64> = self.sizes.iter().map(AxisSize::weight).collect();
        Plan::new(&self.operands, &self.output, &weights, None)
    }

    /// The steps to take in a contraction order found before, by [`static_order`](super::static_order).
    pub fn plan_in_order(&self, order: &[(usize, usize)]) -> Plan {
        let weights: Vec<f64> = self.sizes.iter().map(AxisSize::weight).collect();
        Plan::new(&self.operands, &self.output, &weights, Some(order))
    }
}

impl Spec {
    /// Checks the specification against the operands' shapes and gives every index its size.
    ///
    /// An axis of size 1 broadcasts, as in PyTorch; the axes of an index repeated in one operand must be equal.
    ///
    /// # Errors
    /// The number of operands; an operand whose rank does not fit its term; an index with two sizes. All that are
    /// found are returned.
    pub fn check<S: AxisSize>(&self, shapes: &[impl AsRef<[S]>]) -> Result<Checked<S>, Vec<EinsumError>> {
        if shapes.len() != self.operands.len() {
            let kind = ErrorKind::OperandCount { terms: self.operands.len(), operands: shapes.len() };
            // With too many operands the first surplus one is to blame; with too few the first term without one.
            let operand = shapes.len().min(self.operands.len());
            let offset =
                self.operands.get(operand).and_then(|term| term.items.first()).map(|item| item.offset);
            return Err(vec![EinsumError::new(kind, Some(operand), offset)]);
        }
        let shapes: Vec<&[S]> = shapes.iter().map(AsRef::as_ref).collect();
        let covered = self.ellipsis_ranks(&shapes)?;
        let ellipsis = covered.iter().flatten().copied().max().unwrap_or(0);
        let count = self.labels.len() + ellipsis;
        if count > MAX_INDICES {
            return Err(vec![EinsumError::new(ErrorKind::TooManyIndices(count), None, None)]);
        }
        let indices: Vec<Vec<Index>> = self
            .operands
            .iter()
            .zip(&covered)
            .map(|(term, own)| self.expand(term, ellipsis, own.unwrap_or(0)))
            .collect();
        let mut resolver = Resolver {
            spec: self,
            shapes: &shapes,
            indices: &indices,
            assumptions: Vec::new(),
            errors: Vec::new(),
        };
        let owners = resolver.sizes(count);
        resolver.repeated();
        if !resolver.errors.is_empty() {
            return Err(resolver.errors);
        }
        Ok(Checked {
            // Every index has an owner: labels come from operands, and the ellipsis is as long as its longest use.
            sizes: owners.iter().flatten().map(|&(operand, axis)| shapes[operand][axis].clone()).collect(),
            operands: resolver.axes(&owners),
            output: self.expand(&self.output, ellipsis, ellipsis),
            assumptions: resolver.assumptions,
        })
    }

    /// How many axes the ellipsis of each operand stands for; `None` for a term without one.
    fn ellipsis_ranks<S>(&self, shapes: &[&[S]]) -> Result<Vec<Option<usize>>, Vec<EinsumError>> {
        let mut errors = Vec::new();
        let mut covered = Vec::with_capacity(shapes.len());
        for (operand, (term, shape)) in self.operands.iter().zip(shapes).enumerate() {
            let (subscripts, ellipsis) = (term.labels().count(), term.has_ellipsis());
            if shape.len() < subscripts || (shape.len() > subscripts && !ellipsis) {
                let kind =
                    ErrorKind::Rank { term: self.term_text(term), subscripts, ellipsis, rank: shape.len() };
                let offset = term.items.first().map(|item| item.offset);
                errors.push(EinsumError::new(kind, Some(operand), offset));
            }
            covered.push(ellipsis.then(|| shape.len().saturating_sub(subscripts)));
        }
        if errors.is_empty() { Ok(covered) } else { Err(errors) }
    }

    /// The indices of a term whose ellipsis stands for the last `own` of the `ellipsis` broadcast axes.
    #[inline]
    fn expand(&self, term: &super::Term, ellipsis: usize, own: usize) -> Vec<Index> {
        let labels = self.labels.len();
        let mut indices = Vec::with_capacity(term.items.len() + own);
        for item in &term.items {
            match item.subscript {
                Subscript::Label(label) => indices.push(label),
                Subscript::Ellipsis => indices.extend(labels + ellipsis - own..labels + ellipsis),
            }
        }
        indices
    }
}

/// The work of [`Spec::check`] once every axis has an index.
struct Resolver<'a, S> {
    spec: &'a Spec,
    shapes: &'a [&'a [S]],
    indices: &'a [Vec<Index>],
    assumptions: Vec<Assumption>,
    errors: Vec<EinsumError>,
}

/// The axis, as (operand, axis), that gives each index its size.
type Owners = Vec<Option<(usize, usize)>>;

impl<S: AxisSize> Resolver<'_, S> {
    /// Picks for every index the first axis that is not 1, or the first of all, and compares the others with it. Axes of
    /// one operand that share an index are left to [`Self::repeated`].
    fn sizes(&mut self, count: usize) -> Owners {
        let mut owners: Owners = vec![None; count];
        for operand in 0..self.shapes.len() {
            for (axis, &index) in self.indices[operand].iter().enumerate() {
                let size = &self.shapes[operand][axis];
                match owners[index] {
                    None => owners[index] = Some((operand, axis)),
                    Some((o, a)) if self.shapes[o][a].is_one() => {
                        if !size.is_one() {
                            owners[index] = Some((operand, axis));
                        }
                    }
                    Some((owner, _)) if size.is_one() || owner == operand => {}
                    Some(first) => match self.shapes[first.0][first.1].same(size) {
                        Some(true) => {}
                        None => self.assumptions.push(Assumption { index, first, second: (operand, axis) }),
                        Some(false) => self.two_sizes(index, first, (operand, axis)),
                    },
                }
            }
        }
        owners
    }

    /// Compares the axes of each operand that share an index. They do not broadcast against each other.
    fn repeated(&mut self) {
        for operand in 0..self.shapes.len() {
            for (axis, &index) in self.indices[operand].iter().enumerate() {
                let first = self.indices[operand].iter().position(|&other| other == index).unwrap_or(axis);
                let at = |axis| (operand, axis);
                match self.shapes[operand][first].same(&self.shapes[operand][axis]) {
                    Some(true) => {}
                    None => self.assumptions.push(Assumption { index, first: at(first), second: at(axis) }),
                    Some(false) => self.not_square(operand, index, first, axis),
                }
            }
        }
    }

    fn axes(&self, owners: &Owners) -> Vec<Vec<Axis>> {
        let is_one = |operand: usize, axis: usize| self.shapes[operand][axis].is_one();
        let axis = |operand: usize, (axis, &index): (usize, &Index)| {
            let owned_by_larger = owners[index].is_some_and(|(o, a)| !is_one(o, a));
            Axis { index, broadcast: is_one(operand, axis) && owned_by_larger }
        };
        let operand = |o: usize| self.indices[o].iter().enumerate().map(|at| axis(o, at)).collect();
        (0..self.shapes.len()).map(operand).collect()
    }

    fn two_sizes(&mut self, index: Index, first: (usize, usize), second: (usize, usize)) {
        let at = |(operand, axis): (usize, usize)| (operand, axis, self.shapes[operand][axis].to_string());
        let kind = ErrorKind::Sizes { label: self.name(index), first: at(first), second: at(second) };
        self.errors.push(EinsumError::new(kind, Some(second.0), self.offset(second.0, index)));
    }

    fn not_square(&mut self, operand: usize, index: Index, first: usize, second: usize) {
        let size = |axis: usize| (axis, self.shapes[operand][axis].to_string());
        let kind = ErrorKind::Diagonal { label: self.name(index), first: size(first), second: size(second) };
        self.errors.push(EinsumError::new(kind, Some(operand), self.offset(operand, index)));
    }

    fn name(&self, index: Index) -> String {
        self.spec.labels.get(index).cloned().unwrap_or_else(|| "...".to_owned())
    }

    fn offset(&self, operand: usize, index: Index) -> Option<usize> {
        let ellipsis = index >= self.spec.labels.len();
        self.spec.operands[operand].offset_of(if ellipsis {
            Subscript::Ellipsis
        } else {
            Subscript::Label(index)
        })
    }
}
