//! Schedules that multiply the learning rate.

use std::fmt;

use super::super::Optimizer;
use super::{Schedule, Scheduler, check_count, check_finite};
use crate::{Error, Result};

/// The learning rate times `gamma` every `step_size` epochs (`StepLR`).
pub type StepLR = Scheduler<Step>;

/// The schedule of [`StepLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Epochs between two changes.
    pub step_size: usize,
    /// The factor.
    pub gamma: f64,
}

impl StepLR {
    /// The learning rate times `gamma` (PyTorch's default is 0.1) every `step_size` epochs.
    ///
    /// # Errors
    /// If `step_size` is 0 or `gamma` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, step_size: usize, gamma: f64) -> Result<Self> {
        Self::with_schedule(optimizer, Step { step_size, gamma })
    }
}

impl Schedule for Step {
    fn lr(&mut self, epoch: usize, _: f64, current: f64) -> Result<f64> {
        let changes = epoch > 0 && epoch.is_multiple_of(self.step_size);
        Ok(if changes { current * self.gamma } else { current })
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_count("StepLR", "step_size", self.step_size)?;
        check_finite("StepLR", "gamma", self.gamma)
    }
}

/// The learning rate times `gamma` at every milestone (`MultiStepLR`).
pub type MultiStepLR = Scheduler<MultiStep>;

/// The schedule of [`MultiStepLR`].
#[derive(Debug, Clone, PartialEq)]
pub struct MultiStep {
    /// The epochs at which the learning rate changes; one that is named twice counts twice.
    pub milestones: Vec<usize>,
    /// The factor.
    pub gamma: f64,
}

impl MultiStepLR {
    /// The learning rate times `gamma` (PyTorch's default is 0.1) at every milestone.
    ///
    /// # Errors
    /// If `gamma` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, milestones: &[usize], gamma: f64) -> Result<Self> {
        Self::with_schedule(optimizer, MultiStep { milestones: milestones.to_vec(), gamma })
    }
}

impl Schedule for MultiStep {
    #[inline]
    fn lr(&mut self, epoch: usize, _: f64, current: f64) -> Result<f64> {
        let times = self.milestones.iter().filter(|&&milestone| milestone == epoch).count();
        Ok(current * self.gamma.powi(times as i32))
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_finite("MultiStepLR", "gamma", self.gamma)
    }
}

/// The learning rate times `gamma` every epoch (`ExponentialLR`).
pub type ExponentialLR = Scheduler<Exponential>;

/// The schedule of [`ExponentialLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    /// The factor.
    pub gamma: f64,
}

impl ExponentialLR {
    /// The learning rate times `gamma` every epoch.
    ///
    /// # Errors
    /// If `gamma` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, gamma: f64) -> Result<Self> {
        Self::with_schedule(optimizer, Exponential { gamma })
    }
}

impl Schedule for Exponential {
    fn lr(&mut self, epoch: usize, _: f64, current: f64) -> Result<f64> {
        Ok(if epoch > 0 { current * self.gamma } else { current })
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_finite("ExponentialLR", "gamma", self.gamma)
    }
}

/// A part of the learning rate for the first epochs, then all of it (`ConstantLR`).
pub type ConstantLR = Scheduler<Constant>;

/// The schedule of [`ConstantLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constant {
    /// The part.
    pub factor: f64,
    /// The epochs for which it holds.
    pub total_iters: usize,
}

impl ConstantLR {
    /// `factor` (PyTorch's default is 1/3) of the learning rate for the first `total_iters` (5) epochs.
    ///
    /// # Errors
    /// If `factor` is not from 0 to 1.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, factor: f64, total_iters: usize) -> Result<Self> {
        Self::with_schedule(optimizer, Constant { factor, total_iters })
    }
}

impl Schedule for Constant {
    fn lr(&mut self, epoch: usize, base: f64, current: f64) -> Result<f64> {
        Ok(match epoch {
            0 => current * self.factor,
            // What was 0 times the rate cannot be divided again.
            _ if epoch == self.total_iters && self.factor == 0.0 => base,
            _ if epoch == self.total_iters => current / self.factor,
            _ => current,
        })
    }

    #[inline]
    fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.factor) {
            return Ok(());
        }
        let message = format!("factor is {}, expected a number from 0 to 1", self.factor);
        Err(Error::argument("ConstantLR", message))
    }
}

/// A part of the learning rate that grows or shrinks along a line, for warming up (`LinearLR`).
pub type LinearLR = Scheduler<Linear>;

/// The schedule of [`LinearLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linear {
    /// The part at epoch 0.
    pub start_factor: f64,
    /// The part at epoch `total_iters` and after it.
    pub end_factor: f64,
    /// The epochs between them.
    pub total_iters: usize,
}

impl LinearLR {
    /// From `start_factor` (PyTorch's default is 1/3) to `end_factor` (1) of the learning rate in `total_iters` (5)
    /// epochs.
    ///
    /// # Errors
    /// If a factor is not above 0 and at most 1 (the last may be 0), or `total_iters` is 0.
    #[inline]
    pub fn new(
        optimizer: &mut dyn Optimizer,
        start_factor: f64,
        end_factor: f64,
        total_iters: usize,
    ) -> Result<Self> {
        Self::with_schedule(optimizer, Linear { start_factor, end_factor, total_iters })
    }

    /// Warms up: from `start_factor` of the learning rate to all of it in `total_iters` epochs.
    ///
    /// # Errors
    /// As [`LinearLR::new`].
    pub fn warmup(optimizer: &mut dyn Optimizer, start_factor: f64, total_iters: usize) -> Result<Self> {
        Self::new(optimizer, start_factor, 1.0, total_iters)
    }
}

impl Schedule for Linear {
    fn lr(&mut self, epoch: usize, _: f64, current: f64) -> Result<f64> {
        let (start, rise) = (self.start_factor, self.end_factor - self.start_factor);
        let factor = |epoch: usize| start + rise * epoch as f64 / self.total_iters as f64;
        Ok(match epoch {
            0 => current * start,
            _ if epoch > self.total_iters => current,
            _ => current * factor(epoch) / factor(epoch - 1),
        })
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_factor("LinearLR", "start_factor", self.start_factor)?;
        if !(0.0..=1.0).contains(&self.end_factor) {
            let end = self.end_factor;
            return Err(Error::argument(
                "LinearLR",
                format!("end_factor is {end}, expected a number from 0 to 1"),
            ));
        }
        check_count("LinearLR", "total_iters", self.total_iters)
    }
}

/// A learning rate that falls to 0 like a power (`PolynomialLR`).
pub type PolynomialLR = Scheduler<Polynomial>;

/// The schedule of [`PolynomialLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Polynomial {
    /// The epoch at which the learning rate is 0.
    pub total_iters: usize,
    /// The power of the part of the epochs that is left.
    pub power: f64,
}

impl PolynomialLR {
    /// The learning rate times `(1 - epoch / total_iters)^power`; PyTorch's defaults are 5 and 1.
    ///
    /// # Errors
    /// If `total_iters` is 0 or `power` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, total_iters: usize, power: f64) -> Result<Self> {
        Self::with_schedule(optimizer, Polynomial { total_iters, power })
    }
}

impl Schedule for Polynomial {
    fn lr(&mut self, epoch: usize, _: f64, current: f64) -> Result<f64> {
        let left = |epoch: usize| 1.0 - epoch as f64 / self.total_iters as f64;
        Ok(match epoch {
            0 => current,
            _ if epoch > self.total_iters => current,
            _ => current * (left(epoch) / left(epoch - 1)).powf(self.power),
        })
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_count("PolynomialLR", "total_iters", self.total_iters)?;
        check_finite("PolynomialLR", "power", self.power)
    }
}

/// The first learning rate times a function of the epoch (`LambdaLR`).
pub type LambdaLR<F> = Scheduler<Lambda<F>>;

/// The schedule of [`LambdaLR`].
#[derive(Clone, Copy)]
pub struct Lambda<F>(pub F);

impl<F: FnMut(usize) -> f64> LambdaLR<F> {
    /// The first learning rate times `factor(epoch)`.
    ///
    /// # Errors
    /// None that the function does not cause.
    pub fn new(optimizer: &mut dyn Optimizer, factor: F) -> Result<Self> {
        Self::with_schedule(optimizer, Lambda(factor))
    }
}

impl<F: FnMut(usize) -> f64> Schedule for Lambda<F> {
    fn lr(&mut self, epoch: usize, base: f64, _: f64) -> Result<f64> {
        Ok(base * (self.0)(epoch))
    }
}

impl<F> fmt::Debug for Lambda<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lambda")
    }
}

/// The last learning rate times a function of the epoch (`MultiplicativeLR`).
pub type MultiplicativeLR<F> = Scheduler<Multiplicative<F>>;

/// The schedule of [`MultiplicativeLR`].
#[derive(Clone, Copy)]
pub struct Multiplicative<F>(pub F);

impl<F: FnMut(usize) -> f64> MultiplicativeLR<F> {
    /// The last learning rate times `factor(epoch)`, from epoch 1 on.
    ///
    /// # Errors
    /// None that the function does not cause.
    pub fn new(optimizer: &mut dyn Optimizer, factor: F) -> Result<Self> {
        Self::with_schedule(optimizer, Multiplicative(factor))
    }
}

impl<F: FnMut(usize) -> f64> Schedule for Multiplicative<F> {
    fn lr(&mut self, epoch: usize, _: f64, current: f64) -> Result<f64> {
        Ok(if epoch > 0 { current * (self.0)(epoch) } else { current })
    }
}

impl<F> fmt::Debug for Multiplicative<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Multiplicative")
    }
}

fn check_factor(op: &'static str, name: &str, value: f64) -> Result<()> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(Error::argument(op, format!("{name} is {value}, expected a number above 0 and at most 1")))
}
