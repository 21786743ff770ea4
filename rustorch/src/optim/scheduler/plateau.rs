//! A schedule that watches how training goes.

use super::super::Optimizer;
use crate::{Error, Result};

/// Whether a metric is to become small or large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Small, as a loss.
    Min,
    /// Large, as an accuracy.
    Max,
}

/// How much better a metric has to be in order to count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// By this part of the best.
    Relative(f64),
    /// By this much.
    Absolute(f64),
}

/// The options of [`ReduceLROnPlateau`], with PyTorch's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlateauOptions {
    /// Which metrics are better.
    pub mode: Mode,
    /// What the learning rate is multiplied by.
    pub factor: f64,
    /// The epochs without improvement that are tolerated.
    pub patience: usize,
    /// What counts as an improvement.
    pub threshold: Threshold,
    /// The epochs after a reduction in which nothing is counted.
    pub cooldown: usize,
    /// The lowest learning rate.
    pub min_lr: f64,
    /// Changes smaller than this are left out.
    pub eps: f64,
}

impl Default for PlateauOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Min,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

/// Reduces the learning rate when a metric has stopped improving (`ReduceLROnPlateau`).
///
/// ```
/// use rustorch::optim::{Optimizer, SGD, scheduler::{PlateauOptions, ReduceLROnPlateau}};
/// use rustorch::Tensor;
/// let mut opt = SGD::new([Tensor::zeros([1])], 1.0);
/// let mut scheduler = ReduceLROnPlateau::new(PlateauOptions { patience: 1, ..Default::default() })?;
/// for loss in [3.0, 2.0, 2.0, 2.0] {
///     scheduler.step(loss, &mut opt);
/// }
/// assert_eq!(opt.lr(), 0.1);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReduceLROnPlateau {
    options: PlateauOptions,
    best: f64,
    bad_epochs: usize,
    cooldown: usize,
}

impl ReduceLROnPlateau {
    /// A scheduler that has seen nothing yet.
    ///
    /// # Errors
    /// If the factor is not from 0 up to but without 1, or another number is negative or NaN.
    #[inline]
    pub fn new(options: PlateauOptions) -> Result<Self> {
        const OP: &str = "ReduceLROnPlateau";
        if !(0.0..1.0).contains(&options.factor) {
            let factor = options.factor;
            return Err(Error::argument(
                OP,
                format!("factor is {factor}, expected a number from 0 up to but without 1"),
            ));
        }
        let (Threshold::Relative(threshold) | Threshold::Absolute(threshold)) = options.threshold;
        for (name, value) in [("threshold", threshold), ("min_lr", options.min_lr), ("eps", options.eps)] {
            if value.is_nan() || value < 0.0 {
                return Err(Error::argument(OP, format!("{name} is {value}, expected a number, at least 0")));
            }
        }
        let best = match options.mode {
            Mode::Min => f64::INFINITY,
            Mode::Max => f64::NEG_INFINITY,
        };
        Ok(Self { options, best, bad_epochs: 0, cooldown: 0 })
    }

    /// Takes note of the metric after an epoch, and reduces the learning rates if it has been too long without
    /// improvement. A metric that is NaN is no improvement.
    #[inline]
    pub fn step(&mut self, metric: f64, optimizer: &mut dyn Optimizer) {
        if self.is_better(metric) {
            self.best = metric;
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad_epochs = 0;
        }
        if self.bad_epochs > self.options.patience {
            for (group, lr) in optimizer.lrs().into_iter().enumerate() {
                let reduced = (lr * self.options.factor).max(self.options.min_lr);
                if lr - reduced > self.options.eps {
                    optimizer.set_group_lr(group, reduced);
                }
            }
            self.cooldown = self.options.cooldown;
            self.bad_epochs = 0;
        }
    }

    /// The best metric so far; infinite before the first.
    pub fn best(&self) -> f64 {
        self.best
    }

    fn is_better(&self, metric: f64) -> bool {
        match (self.options.mode, self.options.threshold) {
            (Mode::Min, Threshold::Relative(part)) => metric < self.best * (1.0 - part),
            (Mode::Min, Threshold::Absolute(by)) => metric < self.best - by,
            (Mode::Max, Threshold::Relative(part)) => metric > self.best * (1.0 + part),
            (Mode::Max, Threshold::Absolute(by)) => metric > self.best + by,
        }
    }
}
