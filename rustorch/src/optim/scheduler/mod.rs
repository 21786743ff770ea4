//! Learning-rate schedules (`torch.optim.lr_scheduler`).
//!
//! A [`Schedule`] says what the learning rate is at an epoch; a [`Scheduler`] applies it to an optimiser, whose learning
//! rate it sets when it is made and after every [`Scheduler::step`]. An epoch is whatever lies between two steps.

mod combine;
mod cosine;
mod cycle;
mod factor;
mod plateau;

use std::fmt;

use super::Optimizer;
use crate::nn::StateDict;
use crate::{DType, Error, Result, Tensor};

pub use combine::{Chained, ChainedScheduler, Sequence, SequentialLR};
pub use cosine::{CosineAnnealing, CosineAnnealingLR, CosineAnnealingWarmRestarts, CosineRestarts};
pub use cycle::{Annealing, Cyclic, CyclicLR, CyclicMode, OneCycle, OneCycleLR};
pub use factor::{
    Constant, ConstantLR, Exponential, ExponentialLR, Lambda, LambdaLR, Linear, LinearLR, MultiStep,
    MultiStepLR, Multiplicative, MultiplicativeLR, Polynomial, PolynomialLR, Step, StepLR,
};
pub use plateau::{Mode, PlateauOptions, ReduceLROnPlateau, Threshold};

/// How a learning rate changes.
pub trait Schedule {
    /// The learning rate at an epoch, for a group that began with `base` and now has `current`. At epoch 0 both are the
    /// same.
    ///
    /// # Errors
    /// If the schedule has ended.
    fn lr(&mut self, epoch: usize, base: f64, current: f64) -> Result<f64>;

    /// The momentum at an epoch; `None` to leave it alone.
    fn momentum(&mut self, _epoch: usize) -> Option<f64> {
        None
    }

    /// Refuses options that make no sense; called once.
    ///
    /// # Errors
    /// If an option is not usable.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A schedule at work on an optimiser.
///
/// ```
/// use rustorch::optim::{Optimizer, SGD, scheduler::StepLR};
/// use rustorch::Tensor;
/// let mut opt = SGD::new([Tensor::zeros([1])], 0.8);
/// let mut scheduler = StepLR::new(&mut opt, 2, 0.5)?;
/// let mut lrs = Vec::new();
/// for _epoch in 0..5 {
///     lrs.push(opt.lr());
///     scheduler.step(&mut opt)?;
/// }
/// assert_eq!(lrs, [0.8, 0.8, 0.4, 0.4, 0.2]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub struct Scheduler<S> {
    schedule: S,
    epoch: usize,
    base: Vec<f64>,
    /// What a step sets, kept for the memory.
    next: Vec<f64>,
}

impl<S: Schedule> Scheduler<S> {
    /// Puts a schedule to work: the optimiser's learning rates are what it begins with.
    ///
    /// # Errors
    /// If an option of the schedule is not usable.
    pub fn with_schedule(optimizer: &mut dyn Optimizer, schedule: S) -> Result<Self> {
        schedule.check()?;
        let mut scheduler = Self { schedule, epoch: 0, base: optimizer.lrs(), next: Vec::new() };
        scheduler.apply(optimizer)?;
        Ok(scheduler)
    }

    /// Goes on to the next epoch.
    ///
    /// # Errors
    /// If the schedule has ended, or the optimiser has other parameter groups than before.
    pub fn step(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        self.epoch += 1;
        self.apply(optimizer)
    }

    /// The number of steps so far.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The schedule.
    pub fn schedule(&self) -> &S {
        &self.schedule
    }

    /// Where the scheduler stands, for a checkpoint. Save the optimiser's state with it.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        state.insert("epoch", Tensor::full_with((), self.epoch, DType::I64));
        state.insert("base_lrs", Tensor::from(self.base.clone()));
        state
    }

    /// Goes on from where [`Scheduler::state_dict`] was called.
    ///
    /// # Errors
    /// If an entry is missing or has the wrong type.
    pub fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let entry = |name: &str| {
            let missing = || Error::argument("Scheduler", format!("load_state_dict: `{name}` is missing"));
            state.get(name).ok_or_else(missing)
        };
        let (epoch, base) = (entry("epoch")?.item::<i64>()?, entry("base_lrs")?.to_vec::<f64>()?);
        self.epoch = usize::try_from(epoch).map_err(|_| {
            Error::argument("Scheduler", format!("load_state_dict: the epoch is {epoch}, which is negative"))
        })?;
        self.base = base;
        Ok(())
    }

    fn apply(&mut self, optimizer: &mut dyn Optimizer) -> Result<()> {
        let misfit = |optimizer: &dyn Optimizer, made_for: usize| {
            let found = optimizer.lrs().len();
            let message = format!("made for {made_for} parameter groups, but the optimiser has {found}");
            Error::argument("Scheduler", message)
        };
        let count = self.base.len();
        if optimizer.group_lr(count).is_some() {
            return Err(misfit(optimizer, count));
        }
        self.next.clear();
        for (group, &base) in self.base.iter().enumerate() {
            let current = optimizer.group_lr(group).ok_or_else(|| misfit(optimizer, count))?;
            self.next.push(self.schedule.lr(self.epoch, base, current)?);
        }
        let momentum = self.schedule.momentum(self.epoch);
        for (group, &lr) in self.next.iter().enumerate() {
            optimizer.set_group_lr(group, lr);
            if let Some(momentum) = momentum {
                optimizer.set_group_momentum(group, momentum);
            }
        }
        Ok(())
    }
}

impl<S: fmt::Debug> fmt::Debug for Scheduler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scheduler(epoch={}, {:?})", self.epoch, self.schedule)
    }
}

/// Refuses a count of zero.
#[inline]
fn check_count(op: &'static str, name: &str, count: usize) -> Result<()> {
    if count > 0 {
        return Ok(());
    }
    Err(Error::argument(op, format!("{name} is 0, expected at least 1")))
}

/// Refuses a number that is not finite.
#[inline]
fn check_finite(op: &'static str, name: &str, value: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::argument(op, format!("{name} is {value}, expected a finite number")))
}
