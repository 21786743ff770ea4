//! Schedules that go up and down, with the momentum going the other way (Smith 2017; Smith and Topin 2019).

use std::f64::consts::PI;

use super::super::Optimizer;
use super::{Schedule, Scheduler, check_count, check_finite};
use crate::{Error, Result};

/// Up to `max_lr` and down to almost nothing, once, over a known number of steps (`OneCycleLR`). For a step per batch.
///
/// ```
/// use rustorch::optim::{Optimizer, SGD, scheduler::{OneCycle, OneCycleLR}};
/// use rustorch::Tensor;
/// let mut opt = SGD::builder([Tensor::zeros([1])]).momentum(0.9).build()?;
/// let schedule = OneCycle { pct_start: 0.5, ..OneCycle::new(1.0, 100) };
/// let mut scheduler = OneCycleLR::with_schedule(&mut opt, schedule)?;
/// assert!((opt.lr() - 1.0 / 25.0).abs() < 1e-12);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type OneCycleLR = Scheduler<OneCycle>;

/// The curve between two learning rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annealing {
    /// Half a cosine.
    Cos,
    /// A line.
    Linear,
}

impl Annealing {
    fn between(self, start: f64, end: f64, part: f64) -> f64 {
        match self {
            Self::Cos => end + (start - end) / 2.0 * ((PI * part).cos() + 1.0),
            Self::Linear => (end - start) * part + start,
        }
    }
}

/// The schedule of [`OneCycleLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneCycle {
    /// The highest learning rate.
    pub max_lr: f64,
    /// The number of steps in all.
    pub total_steps: usize,
    /// The part of the steps that goes up.
    pub pct_start: f64,
    /// The curve.
    pub anneal_strategy: Annealing,
    /// Whether the momentum goes down and up meanwhile.
    pub cycle_momentum: bool,
    /// The lowest momentum.
    pub base_momentum: f64,
    /// The highest momentum.
    pub max_momentum: f64,
    /// The first learning rate is `max_lr` divided by this.
    pub div_factor: f64,
    /// The last learning rate is the first divided by this.
    pub final_div_factor: f64,
    /// Whether to come down as fast as up, and use the rest to go below the first learning rate.
    pub three_phase: bool,
}

impl OneCycle {
    /// PyTorch's defaults.
    #[inline]
    pub fn new(max_lr: f64, total_steps: usize) -> Self {
        Self {
            max_lr,
            total_steps,
            pct_start: 0.3,
            anneal_strategy: Annealing::Cos,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }

    /// The phase that a step is in: from and to which of (learning rate, momentum), and how far.
    #[inline]
    fn phase(&self, step: usize) -> ((f64, f64), (f64, f64), f64) {
        let first = (self.max_lr / self.div_factor, self.max_momentum);
        let top = (self.max_lr, self.base_momentum);
        let last = (first.0 / self.final_div_factor, self.max_momentum);
        let total = self.total_steps as f64;
        let (up, end) = (self.pct_start * total - 1.0, total - 1.0);
        let phases = if self.three_phase {
            vec![(up, first, top), (2.0 * self.pct_start * total - 2.0, top, first), (end, first, last)]
        } else {
            vec![(up, first, top), (end, top, last)]
        };
        let (step, mut start) = (step as f64, 0.0);
        for (index, &(end, from, to)) in phases.iter().enumerate() {
            if step <= end || index + 1 == phases.len() {
                return (from, to, (step - start) / (end - start));
            }
            start = end;
        }
        unreachable!("the last phase takes what is left")
    }
}

impl OneCycleLR {
    /// Up to `max_lr` and down again within `total_steps`, with PyTorch's other defaults.
    ///
    /// # Errors
    /// If `total_steps` is 0 or `max_lr` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, max_lr: f64, total_steps: usize) -> Result<Self> {
        Self::with_schedule(optimizer, OneCycle::new(max_lr, total_steps))
    }
}

impl Schedule for OneCycle {
    #[inline]
    fn lr(&mut self, epoch: usize, _: f64, _: f64) -> Result<f64> {
        if epoch > self.total_steps {
            return Err(Error::argument(
                "OneCycleLR",
                format!("step {epoch} of a schedule of {} steps", self.total_steps),
            ));
        }
        let (from, to, part) = self.phase(epoch);
        Ok(self.anneal_strategy.between(from.0, to.0, part))
    }

    #[inline]
    fn momentum(&mut self, epoch: usize) -> Option<f64> {
        let (from, to, part) = self.phase(epoch);
        self.cycle_momentum.then(|| self.anneal_strategy.between(from.1, to.1, part))
    }

    #[inline]
    fn check(&self) -> Result<()> {
        const OP: &str = "OneCycleLR";
        check_count(OP, "total_steps", self.total_steps)?;
        check_finite(OP, "max_lr", self.max_lr)?;
        if !(0.0..=1.0).contains(&self.pct_start) {
            let part = self.pct_start;
            return Err(Error::argument(OP, format!("pct_start is {part}, expected a number from 0 to 1")));
        }
        for (name, value) in [("div_factor", self.div_factor), ("final_div_factor", self.final_div_factor)] {
            if value.is_nan() || value <= 0.0 {
                return Err(Error::argument(OP, format!("{name} is {value}, expected a positive number")));
            }
        }
        Ok(())
    }
}

/// Up and down between two learning rates, over and over (`CyclicLR`). For a step per batch.
pub type CyclicLR = Scheduler<Cyclic>;

/// What becomes of the height of the cycles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CyclicMode {
    /// It stays.
    Triangular,
    /// Every cycle is half as high as the one before.
    Triangular2,
    /// It is `gamma` to the power of the step.
    ExpRange {
        /// The base of the power.
        gamma: f64,
    },
}

/// The schedule of [`CyclicLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cyclic {
    /// The lowest learning rate.
    pub base_lr: f64,
    /// The highest learning rate.
    pub max_lr: f64,
    /// The steps on the way up.
    pub step_size_up: usize,
    /// The steps on the way down.
    pub step_size_down: usize,
    /// What becomes of the height.
    pub mode: CyclicMode,
    /// Whether the momentum goes down and up meanwhile.
    pub cycle_momentum: bool,
    /// The lowest momentum.
    pub base_momentum: f64,
    /// The highest momentum.
    pub max_momentum: f64,
}

impl Cyclic {
    /// PyTorch's other defaults; the way down is as long as the way up, for which PyTorch's default is 2000.
    #[inline]
    pub fn new(base_lr: f64, max_lr: f64, step_size: usize) -> Self {
        Self {
            base_lr,
            max_lr,
            step_size_up: step_size,
            step_size_down: step_size,
            mode: CyclicMode::Triangular,
            cycle_momentum: true,
            base_momentum: 0.8,
            max_momentum: 0.9,
        }
    }

    /// How far up a step is: 0 at the bottom, 1 at the top of the first cycle.
    fn height(&self, step: usize) -> f64 {
        let total = (self.step_size_up + self.step_size_down) as f64;
        let ratio = self.step_size_up as f64 / total;
        let cycle = (1.0 + step as f64 / total).floor();
        let x = 1.0 + step as f64 / total - cycle;
        let height = if x <= ratio { x / ratio } else { (x - 1.0) / (ratio - 1.0) };
        height
            * match self.mode {
                CyclicMode::Triangular => 1.0,
                CyclicMode::Triangular2 => 0.5f64.powf(cycle - 1.0),
                CyclicMode::ExpRange { gamma } => gamma.powf(step as f64),
            }
    }
}

impl CyclicLR {
    /// Between two learning rates, `step_size` steps up and as many down.
    ///
    /// # Errors
    /// If `step_size` is 0 or a learning rate is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, base_lr: f64, max_lr: f64, step_size: usize) -> Result<Self> {
        Self::with_schedule(optimizer, Cyclic::new(base_lr, max_lr, step_size))
    }
}

impl Schedule for Cyclic {
    #[inline]
    fn lr(&mut self, epoch: usize, _: f64, _: f64) -> Result<f64> {
        Ok(self.base_lr + (self.max_lr - self.base_lr) * self.height(epoch))
    }

    #[inline]
    fn momentum(&mut self, epoch: usize) -> Option<f64> {
        let range = self.max_momentum - self.base_momentum;
        self.cycle_momentum.then(|| self.max_momentum - range * self.height(epoch))
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_count("CyclicLR", "step_size_up", self.step_size_up)?;
        check_count("CyclicLR", "step_size_down", self.step_size_down)?;
        check_finite("CyclicLR", "base_lr", self.base_lr)?;
        check_finite("CyclicLR", "max_lr", self.max_lr)
    }
}
