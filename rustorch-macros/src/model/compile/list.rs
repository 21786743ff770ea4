//! The steps of a region while they are fused: who makes and who uses each tensor is known at any time, so that no fusion searches for it.
//! A step that is gone leaves its place empty.

use super::super::ir::Var;
use super::Step;

/// Tensors, by their numbers.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Vars(Vec<bool>);

impl Vars {
    /// Whether it was not there before.
    pub fn insert(&mut self, var: Var) -> bool {
        if var >= self.0.len() {
            self.0.resize(var + 1, false);
        }
        !std::mem::replace(&mut self.0[var], true)
    }

    pub fn contains(&self, var: Var) -> bool {
        self.0.get(var) == Some(&true)
    }
}

impl Extend<Var> for Vars {
    fn extend<T: IntoIterator<Item = Var>>(&mut self, vars: T) {
        for var in vars {
            self.insert(var);
        }
    }
}

impl FromIterator<Var> for Vars {
    fn from_iter<T: IntoIterator<Item = Var>>(vars: T) -> Self {
        let mut all = Self::default();
        all.extend(vars);
        all
    }
}

/// See the module's text.
pub(super) struct Steps<'p> {
    all: Vec<Option<Step<'p>>>,
    /// The step that makes each tensor, and those that use it: a step as often as it does, in order.
    tensors: Vec<(Option<usize>, Vec<usize>)>,
    results: Vars,
}

impl<'p> Steps<'p> {
    /// Steps whose region has these results.
    pub fn new(steps: impl ExactSizeIterator<Item = Step<'p>>, results: &[Var]) -> Self {
        let results = results.iter().copied().collect();
        let mut list =
            Steps { all: Vec::with_capacity(steps.len()), tensors: Vec::with_capacity(steps.len()), results };
        for (at, step) in steps.enumerate() {
            list.all.push(None);
            list.put(at, step);
        }
        list
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The step at a place, if it is still there.
    pub fn get(&self, at: usize) -> Option<&Step<'p>> {
        self.all[at].as_ref()
    }

    /// Where a tensor is made, if it is in this region.
    pub fn maker(&self, var: Var) -> Option<usize> {
        self.tensors.get(var)?.0
    }

    /// Where a tensor is used.
    pub fn users(&self, var: Var) -> &[usize] {
        self.tensors.get(var).map_or(&[], |(_, users)| users)
    }

    /// Whether a tensor is a result of the region.
    pub fn is_result(&self, var: Var) -> bool {
        self.results.contains(var)
    }

    /// The step that alone uses a tensor, once or more often; none for results.
    pub fn only_user(&self, var: Var) -> Option<usize> {
        let (first, more) = self.users(var).split_first()?;
        (!self.is_result(var) && more.iter().all(|user| user == first)).then_some(*first)
    }

    /// The step that is all who uses a tensor, and does so once.
    pub fn single_use(&self, var: Var) -> Option<usize> {
        self.only_user(var).filter(|_| self.users(var).len() == 1)
    }

    /// Removes a step.
    pub fn take(&mut self, at: usize) -> Option<Step<'p>> {
        let step = self.all[at].take()?;
        for var in step.kind.uses() {
            self.tensors[var].1.retain(|user| *user != at);
        }
        for var in &step.results {
            self.tensors[*var].0 = None;
        }
        Some(step)
    }

    /// Puts a step at an empty place.
    pub fn put(&mut self, at: usize, step: Step<'p>) {
        for var in step.kind.uses() {
            let users = &mut self.tensor(var).1;
            let behind = users.iter().rposition(|user| *user <= at).map_or(0, |last| last + 1);
            users.insert(behind, at);
        }
        for var in &step.results {
            self.tensor(*var).0 = Some(at);
        }
        self.all[at] = Some(step);
    }

    fn tensor(&mut self, var: Var) -> &mut (Option<usize>, Vec<usize>) {
        if var >= self.tensors.len() {
            self.tensors.resize_with(var + 1, Default::default);
        }
        &mut self.tensors[var]
    }

    pub fn into_vec(self) -> Vec<Step<'p>> {
        self.all.into_iter().flatten().collect()
    }
}
