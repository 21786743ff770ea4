//! What all optimisers share: parameter groups, the walk over parameters, and the state of each.

use std::fmt;

use super::options::Options;
use super::{Optimizer, state};
use crate::kernels::optim::{self as kernels, Task, Update};
use crate::nn::StateDict;
use crate::storage::Locks;
use crate::{DType, Device, Error, Result, Tensor, no_grad};

/// The options of an optimiser, and what it does with them. Implemented by this library's options; other methods
/// implement [`Optimizer`].
pub trait Rule: Options + Clone + fmt::Debug + Default + Send + Sync + 'static {
    /// The optimiser's name.
    const NAME: &'static str;

    /// The tensors that a parameter's state consists of, by PyTorch's names.
    #[doc(hidden)]
    fn state(&self) -> &'static [&'static str];

    /// The numbers that a parameter's state has besides, and their first values.
    #[doc(hidden)]
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// The value with which a state tensor starts.
    #[doc(hidden)]
    fn initial(&self, _name: &str) -> f64 {
        0.0
    }

    /// Refuses options that make no sense.
    #[doc(hidden)]
    fn check(&self) -> Result<()>;

    /// The momentum, or the first beta.
    #[doc(hidden)]
    fn momentum(&mut self) -> Option<&mut f64> {
        None
    }

    /// One step of one parameter.
    #[doc(hidden)]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()>;
}

/// Parameters that are trained with the same options.
#[derive(Clone)]
pub struct Group<R> {
    /// The tensors.
    pub parameters: Vec<Tensor>,
    /// How they are trained. May be changed between steps.
    pub options: R,
}

/// An optimiser with the options `R`: [`SGD`](super::SGD), [`Adam`](super::Adam) and all others.
pub struct Optim<R> {
    groups: Vec<Group<R>>,
    /// One per parameter, group after group.
    states: Vec<State>,
    checked: bool,
    work: Work,
}

/// The steps of all parameters, which run as one loop. The memory is kept from step to step.
#[derive(Default)]
pub(super) struct Work {
    tasks: Vec<Task>,
    entries: Vec<Entry>,
    ends: Vec<usize>,
    locks: Locks,
}

/// What a task works on.
struct Entry {
    /// The parameter, or a contiguous copy.
    target: Tensor,
    gradient: Tensor,
    /// The parameter that the target is a copy of.
    original: Option<Tensor>,
}

/// Collects parameters and options of an optimiser.
pub struct OptimBuilder<R> {
    pub(super) options: R,
    parameters: Vec<Tensor>,
    groups: Vec<Group<R>>,
}

/// What an optimiser remembers about a parameter.
#[derive(Default)]
pub(super) struct State {
    /// Steps taken.
    pub step: u64,
    /// These tensors belong to the optimiser alone: no handle is ever given out, so that kernels may write to them.
    pub tensors: Vec<(&'static str, Tensor)>,
    pub scalars: Vec<(&'static str, f64)>,
}

impl<R: Rule> Optim<R> {
    /// An optimiser with a learning rate and PyTorch's other defaults. Bad input is an error of the first step.
    pub fn new(parameters: impl IntoIterator<Item = Tensor>, lr: f64) -> Self {
        let mut options = R::default();
        *options.lr() = lr;
        Self::with_options(parameters, options)
    }

    /// An optimiser with these options for all parameters.
    pub fn with_options(parameters: impl IntoIterator<Item = Tensor>, options: R) -> Self {
        Self::from_groups(vec![Group { parameters: parameters.into_iter().collect(), options }])
    }

    /// Starts from PyTorch's default options, to set some of them, or to add parameter groups.
    pub fn builder(parameters: impl IntoIterator<Item = Tensor>) -> OptimBuilder<R> {
        OptimBuilder {
            options: R::default(),
            parameters: parameters.into_iter().collect(),
            groups: Vec::new(),
        }
    }

    fn from_groups(groups: Vec<Group<R>>) -> Self {
        let count = groups.iter().map(|group| group.parameters.len()).sum();
        let states = std::iter::repeat_with(State::default).take(count).collect();
        Self { groups, states, checked: false, work: Work::default() }
    }

    /// The parameter groups.
    pub fn groups(&self) -> &[Group<R>] {
        &self.groups
    }

    /// The options of a parameter group, to change them.
    pub fn options_mut(&mut self, group: usize) -> Option<&mut R> {
        self.groups.get_mut(group).map(|group| &mut group.options)
    }

    /// Adds parameters with options of their own, for layers that are unfrozen later
    /// (`torch.optim.Optimizer.add_param_group`).
    pub fn add_group(&mut self, parameters: impl IntoIterator<Item = Tensor>, options: R) {
        let parameters: Vec<Tensor> = parameters.into_iter().collect();
        self.states.extend(std::iter::repeat_with(State::default).take(parameters.len()));
        self.groups.push(Group { parameters, options });
        self.checked = false;
    }

    /// Options are checked before every step, since they may change; parameters once.
    fn check(&mut self) -> Result<()> {
        for group in &mut self.groups {
            let lr = *group.options.lr();
            check(R::NAME, "lr", lr, lr >= 0.0, "a finite number, at least 0")?;
            group.options.check()?;
        }
        if !self.checked {
            check_parameters(R::NAME, self.groups.iter().flat_map(|group| &group.parameters))?;
            self.checked = true;
        }
        Ok(())
    }
}

impl<R: Rule> OptimBuilder<R> {
    /// Adds a parameter group. Its options are those set so far, changed by `change`.
    ///
    /// ```
    /// use rustorch::optim::{AdamW, Optimizer};
    /// use rustorch::Tensor;
    /// let (weight, bias) = (Tensor::ones([2, 2]), Tensor::zeros([2]));
    /// let opt = AdamW::builder([weight])
    ///     .lr(3e-4)
    ///     .group([bias], |options| options.weight_decay = 0.0)
    ///     .build()?;
    /// assert_eq!(opt.lrs(), [3e-4, 3e-4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn group(
        mut self,
        parameters: impl IntoIterator<Item = Tensor>,
        change: impl FnOnce(&mut R),
    ) -> Self {
        let mut options = self.options.clone();
        change(&mut options);
        self.groups.push(Group { parameters: parameters.into_iter().collect(), options });
        self
    }

    /// The optimiser.
    ///
    /// # Errors
    /// If an option is not usable, if there are no parameters, or one is given twice or is not a leaf.
    pub fn build(self) -> Result<Optim<R>> {
        let mut groups = self.groups;
        if !self.parameters.is_empty() || groups.is_empty() {
            groups.insert(0, Group { parameters: self.parameters, options: self.options });
        }
        let mut optim = Optim::from_groups(groups);
        optim.check()?;
        Ok(optim)
    }
}

impl<R: Rule> Optimizer for Optim<R> {
    fn step(&mut self) -> Result<()> {
        self.check()?;
        let Self { groups, states, work, .. } = self;
        let mut states = states.iter_mut();
        no_grad(|| {
            let mut prepare_all = || {
                for group in groups.iter() {
                    for (parameter, state) in group.parameters.iter().zip(&mut states) {
                        if let Some(gradient) = parameter.grad() {
                            prepare(&group.options, parameter, &gradient, state, work)?;
                        }
                    }
                }
                Ok(())
            };
            let prepared = prepare_all();
            // What was prepared counts as a step, so it is done also if a parameter after it cannot be trained.
            let ran = work.run();
            prepared.and(ran)
        })
    }

    fn parameters(&self) -> Vec<Tensor> {
        self.groups.iter().flat_map(|group| group.parameters.iter().cloned()).collect()
    }

    fn lrs(&self) -> Vec<f64> {
        self.groups.iter().map(|group| *group.options.clone().lr()).collect()
    }

    fn group_lr(&self, group: usize) -> Option<f64> {
        self.groups.get(group).map(|group| *group.options.clone().lr())
    }

    fn set_group_lr(&mut self, group: usize, lr: f64) {
        if let Some(group) = self.groups.get_mut(group) {
            *group.options.lr() = lr;
        }
    }

    fn momenta(&self) -> Vec<Option<f64>> {
        self.groups.iter().map(|group| group.options.clone().momentum().copied()).collect()
    }

    fn set_group_momentum(&mut self, group: usize, momentum: f64) {
        if let Some(slot) = self.groups.get_mut(group).and_then(|group| group.options.momentum()) {
            *slot = momentum;
        }
    }

    fn state_dict(&self) -> StateDict {
        state::save(&self.groups, &self.states)
    }

    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        (self.groups, self.states) = state::load(&self.groups, state)?;
        Ok(())
    }
}

impl<R: Rule> fmt::Debug for Optim<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (", R::NAME)?;
        for (index, group) in self.groups.iter().enumerate() {
            writeln!(f, "    {index}: {} parameters, {:?}", group.parameters.len(), group.options)?;
        }
        f.write_str(")")
    }
}

/// A parameter that is being updated.
#[doc(hidden)]
pub struct Slot<'a> {
    parameter: &'a Tensor,
    gradient: &'a Tensor,
    /// The number of this step, from 1.
    pub(super) step: u64,
    /// Whether the state was made just now.
    pub(super) fresh: bool,
    pub(super) scalars: &'a mut [(&'static str, f64)],
    tensors: &'a [(&'static str, Tensor)],
    tasks: &'a mut Vec<Task>,
}

/// Adds the step of a parameter to the work.
fn prepare<R: Rule>(
    rule: &R,
    parameter: &Tensor,
    gradient: &Tensor,
    state: &mut State,
    work: &mut Work,
) -> Result<()> {
    let op = R::NAME;
    if !parameter.dtype().is_float() {
        return Err(Error::DType { op, dtype: parameter.dtype(), expected: "a floating-point dtype" });
    }
    let names = rule.state();
    let fresh = !state.tensors.iter().map(|(name, _)| *name).eq(names.iter().copied());
    if fresh {
        state.tensors = names
            .iter()
            .map(|&name| match state.tensors.iter().find(|(known, _)| *known == name) {
                Some(known) => Ok(known.clone()),
                None => {
                    let (shape, dtype) = (parameter.shape(), parameter.dtype());
                    Ok((name, Tensor::try_full(shape, rule.initial(name), dtype, parameter.device())?))
                }
            })
            .collect::<Result<_>>()?;
    }
    if state.step == 0 {
        state.scalars = rule.scalars();
    }
    // Kernels take contiguous memory. What is not, which is rare, is updated in a copy.
    let (target, gradient) = (parameter.contiguous(), gradient.contiguous());
    let mut slot = Slot {
        parameter: &target,
        gradient: &gradient,
        step: state.step + 1,
        fresh,
        scalars: &mut state.scalars,
        tensors: &state.tensors,
        tasks: &mut work.tasks,
    };
    rule.update(&mut slot)?;
    state.step += 1;
    let original = (!target.is_same(parameter)).then(|| parameter.clone());
    work.entries.push(Entry { target, gradient, original });
    Ok(())
}

impl Work {
    /// Runs the steps.
    fn run(&mut self) -> Result<()> {
        let Self { tasks, entries, ends, locks } = self;
        {
            let targets = entries.iter().map(|entry| entry.target.storage());
            let guard = locks.lock(targets, entries.iter().map(|entry| entry.gradient.storage()));
            // Parameters that may share elements with others are updated one after the other.
            let together = if guard.shared { 1 } else { tasks.len().max(1) };
            for tasks in tasks.chunks(together) {
                // SAFETY: what `Slot::apply` says, now that all parameters and gradients are locked; they are kept alive by the
                // entries, the states by the optimiser.
                unsafe { kernels::run(tasks, ends) };
            }
        }
        tasks.clear();
        let copied = entries.iter().try_for_each(|Entry { target, original, .. }| {
            target.storage().bump_version();
            original.as_ref().map_or(Ok(()), |parameter| parameter.copy_(target).map(drop))
        });
        entries.clear();
        copied
    }
}

impl Slot<'_> {
    /// Applies an update to every element, once all parameters are ready. `S` is the number of state tensors.
    pub(super) fn apply<const S: usize>(&mut self, op: &'static str, update: impl Update<S>) -> Result<()> {
        let dtype = self.parameter.dtype();
        if let device @ Device::Cuda(_) = self.parameter.device() {
            return Err(Error::Unavailable { op, device, dtype });
        }
        let task = crate::dtype::dispatch!(floating dtype, op, T => {
            // SAFETY: all are contiguous, of the parameter's shape and dtype: gradients by `set_grad`, the state since it was
            // made. Parameter and gradient will be locked when the task runs, the state is the optimiser's alone.
            unsafe {
                Task::new::<T, _, S>(
                    update,
                    self.parameter.host_ptr().cast(),
                    self.gradient.host_ptr().cast_const().cast(),
                    std::array::from_fn(|k| self.tensors[k].1.host_ptr().cast()),
                    self.parameter.numel(),
                )
            }
        });
        self.tasks.push(task);
        Ok(())
    }
}

/// Refuses a number outside its range.
pub(super) fn check(op: &'static str, name: &str, value: f64, fits: bool, expected: &str) -> Result<()> {
    if fits && value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(op, format!("{name} is {value}, expected {expected}")))
}

/// Refuses a number that is negative or not finite.
#[inline]
pub(super) fn check_positive(op: &'static str, name: &str, value: f64) -> Result<()> {
    check(op, name, value, value >= 0.0, "a finite number, at least 0")
}

/// Refuses a rate outside `0 .. 1`.
#[inline]
pub(super) fn check_rate(op: &'static str, name: &str, value: f64) -> Result<()> {
    check(op, name, value, (0.0..1.0).contains(&value), "a number from 0 up to but without 1")
}

fn check_parameters<'a>(op: &'static str, parameters: impl Iterator<Item = &'a Tensor>) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    let mut count = 0;
    for (index, parameter) in parameters.enumerate() {
        count += 1;
        if let Some(first) = seen.insert(parameter.id(), index) {
            return Err(Error::argument(op, format!("parameters {first} and {index} are the same tensor")));
        }
        if !parameter.is_leaf() {
            let name = parameter.grad_fn().unwrap_or("an operation");
            return Err(Error::argument(
                op,
                format!(
                    "parameter {index} is not a leaf, but the result of {name}; only leaves can be trained"
                ),
            ));
        }
        if !parameter.dtype().is_float() {
            return Err(Error::DType {
                op,
                dtype: parameter.dtype(),
                expected: "parameters of a floating-point dtype",
            });
        }
    }
    if count == 0 {
        return Err(Error::argument(op, "there are no parameters to train"));
    }
    Ok(())
}

/// The dtype of numbers in a state dict.
pub(super) const NUMBER: DType = DType::F64;
