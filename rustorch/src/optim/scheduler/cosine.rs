//! Schedules that follow a cosine (Loshchilov and Hutter 2017).

use std::f64::consts::PI;

use super::super::Optimizer;
use super::{Schedule, Scheduler, check_count, check_finite};
use crate::Result;

/// Down to `eta_min` along half a cosine, and up again if it goes on (`CosineAnnealingLR`).
pub type CosineAnnealingLR = Scheduler<CosineAnnealing>;

/// The schedule of [`CosineAnnealingLR`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CosineAnnealing {
    /// The epochs on the way down.
    pub t_max: usize,
    /// The lowest learning rate.
    pub eta_min: f64,
}

impl CosineAnnealingLR {
    /// Down to `eta_min` (PyTorch's default is 0) in `t_max` epochs.
    ///
    /// # Errors
    /// If `t_max` is 0 or `eta_min` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, t_max: usize, eta_min: f64) -> Result<Self> {
        Self::with_schedule(optimizer, CosineAnnealing { t_max, eta_min })
    }
}

impl Schedule for CosineAnnealing {
    /// PyTorch's recursion, which also works on a learning rate that another scheduler changes in between.
    fn lr(&mut self, epoch: usize, base: f64, current: f64) -> Result<f64> {
        let (t_max, eta_min) = (self.t_max as f64, self.eta_min);
        if epoch == 0 {
            return Ok(current);
        }
        if epoch > self.t_max && (epoch - 1 - self.t_max).is_multiple_of(2 * self.t_max) {
            return Ok(current + (base - eta_min) * (1.0 - (PI / t_max).cos()) / 2.0);
        }
        let height = |epoch: usize| 1.0 + (PI * epoch as f64 / t_max).cos();
        Ok(height(epoch) / height(epoch - 1) * (current - eta_min) + eta_min)
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_count("CosineAnnealingLR", "t_max", self.t_max)?;
        check_finite("CosineAnnealingLR", "eta_min", self.eta_min)
    }
}

/// Down along half a cosine, then from the start again, each time for longer (`CosineAnnealingWarmRestarts`).
pub type CosineAnnealingWarmRestarts = Scheduler<CosineRestarts>;

/// The schedule of [`CosineAnnealingWarmRestarts`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CosineRestarts {
    /// The epochs until the first restart.
    pub t_0: usize,
    /// How many times longer each run is than the one before.
    pub t_mult: usize,
    /// The lowest learning rate.
    pub eta_min: f64,
}

impl CosineAnnealingWarmRestarts {
    /// Restarts after `t_0` epochs, then after `t_mult` (PyTorch's default is 1) times as many as before.
    ///
    /// # Errors
    /// If `t_0` or `t_mult` is 0, or `eta_min` is not finite.
    #[inline]
    pub fn new(optimizer: &mut dyn Optimizer, t_0: usize, t_mult: usize, eta_min: f64) -> Result<Self> {
        Self::with_schedule(optimizer, CosineRestarts { t_0, t_mult, eta_min })
    }
}

impl Schedule for CosineRestarts {
    fn lr(&mut self, epoch: usize, base: f64, _: f64) -> Result<f64> {
        let (mut since, mut length) = (epoch, self.t_0);
        if self.t_mult == 1 {
            since %= length;
        }
        while since >= length {
            since -= length;
            length *= self.t_mult;
        }
        let height = 1.0 + (PI * since as f64 / length as f64).cos();
        Ok(self.eta_min + (base - self.eta_min) * height / 2.0)
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_count("CosineAnnealingWarmRestarts", "t_0", self.t_0)?;
        check_count("CosineAnnealingWarmRestarts", "t_mult", self.t_mult)?;
        check_finite("CosineAnnealingWarmRestarts", "eta_min", self.eta_min)
    }
}
