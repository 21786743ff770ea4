//! Schedules made of schedules.

use std::fmt;

use super::super::Optimizer;
use super::{Schedule, Scheduler};
use crate::{Error, Result};

/// One schedule after another: a warm-up, then a decay (`SequentialLR`).
///
/// ```
/// use rustorch::optim::{Optimizer, SGD, scheduler::{CosineAnnealing, Linear, SequentialLR}};
/// use rustorch::Tensor;
/// let mut opt = SGD::new([Tensor::zeros([1])], 1.0);
/// let warmup = Linear { start_factor: 0.1, end_factor: 1.0, total_iters: 10 };
/// let decay = CosineAnnealing { t_max: 90, eta_min: 0.0 };
/// let mut scheduler = SequentialLR::new(&mut opt, vec![Box::new(warmup), Box::new(decay)], &[10])?;
/// assert_eq!(opt.lr(), 0.1);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type SequentialLR = Scheduler<Sequence>;

/// The schedule of [`SequentialLR`].
pub struct Sequence {
    schedules: Vec<Box<dyn Schedule>>,
    milestones: Vec<usize>,
}

impl SequentialLR {
    /// Each schedule starts, from the first learning rate and its own epoch 0, at its milestone; the first at once.
    ///
    /// # Errors
    /// If there is not one milestone fewer than there are schedules, or the milestones do not grow.
    #[inline]
    pub fn new(
        optimizer: &mut dyn Optimizer,
        schedules: Vec<Box<dyn Schedule>>,
        milestones: &[usize],
    ) -> Result<Self> {
        Self::with_schedule(optimizer, Sequence { schedules, milestones: milestones.to_vec() })
    }
}

impl Sequence {
    /// The schedule at work in an epoch, and the epoch in which it began.
    fn at(&mut self, epoch: usize) -> (&mut dyn Schedule, usize) {
        let index = self.milestones.partition_point(|&milestone| milestone <= epoch);
        let began = index.checked_sub(1).map_or(0, |before| self.milestones[before]);
        (self.schedules[index].as_mut(), began)
    }
}

impl Schedule for Sequence {
    #[inline]
    fn lr(&mut self, epoch: usize, base: f64, current: f64) -> Result<f64> {
        let (schedule, began) = self.at(epoch);
        if epoch == began { schedule.lr(0, base, base) } else { schedule.lr(epoch - began, base, current) }
    }

    #[inline]
    fn momentum(&mut self, epoch: usize) -> Option<f64> {
        let (schedule, began) = self.at(epoch);
        schedule.momentum(epoch - began)
    }

    #[inline]
    fn check(&self) -> Result<()> {
        let (schedules, milestones) = (self.schedules.len(), &self.milestones);
        let grow = milestones.windows(2).all(|pair| pair[0] < pair[1]) && milestones.first() != Some(&0);
        if schedules != milestones.len() + 1 || !grow {
            return Err(Error::argument(
                "SequentialLR",
                format!(
                    "{schedules} schedules need growing milestones, one fewer than there are schedules and the first \
                     above 0, not {milestones:?}"
                ),
            ));
        }
        self.schedules.iter().try_for_each(|schedule| schedule.check())
    }
}

impl fmt::Debug for Sequence {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sequence({} schedules, milestones={:?})", self.schedules.len(), self.milestones)
    }
}

/// Several schedules at once, each applied to what the one before made of the learning rate (`ChainedScheduler`).
pub type ChainedScheduler = Scheduler<Chained>;

/// The schedule of [`ChainedScheduler`].
pub struct Chained(Vec<Box<dyn Schedule>>);

impl ChainedScheduler {
    /// All of these at once.
    ///
    /// # Errors
    /// If there are none, or one of them refuses its options.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, schedules: Vec<Box<dyn Schedule>>) -> Result<Self> {
        Self::with_schedule(optimizer, Chained(schedules))
    }
}

impl Schedule for Chained {
    #[inline]
    fn lr(&mut self, epoch: usize, base: f64, current: f64) -> Result<f64> {
        self.0.iter_mut().try_fold(current, |current, schedule| schedule.lr(epoch, base, current))
    }

    #[inline]
    fn momentum(&mut self, epoch: usize) -> Option<f64> {
        self.0.iter_mut().filter_map(|schedule| schedule.momentum(epoch)).last()
    }

    #[inline]
    fn check(&self) -> Result<()> {
        if self.0.is_empty() {
            return Err(Error::argument("ChainedScheduler", "there are no schedules to chain"));
        }
        self.0.iter().try_for_each(|schedule| schedule.check())
    }
}

impl fmt::Debug for Chained {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chained({} schedules)", self.0.len())
    }
}
