//! Adadelta.

use super::driver::{Optim, Rule, Slot, check, check_positive};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Steps in the units of the parameters, from running mean squares of gradients and of past steps
/// (`torch.optim.Adadelta`; Zeiler 2012).
///
/// `v ← ρ v + (1 - ρ) g²`, `Δ = √(u + ε) / √(v + ε) · g`, `u ← ρ u + (1 - ρ) Δ²`, `p ← p - lr · Δ`.
///
/// ```
/// use rustorch::optim::{Adadelta, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = Adadelta::new([w.clone()], 1.0);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!(w.item::<f32>()? < 1.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type Adadelta = Optim<AdadeltaOptions>;

options! {
    /// The options of [`Adadelta`].
    AdadeltaOptions {
        /// The learning rate.
        lr: f64 = 1.0,
        /// How much of the mean squares is kept per step.
        rho: f64 = 0.9,
        /// Keeps the division from exploding, and starts the first step.
        eps: f64 = 1e-6,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for AdadeltaOptions {
    const NAME: &'static str = "Adadelta";

    fn state(&self) -> &'static [&'static str] {
        &["square_avg", "acc_delta"]
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check(Self::NAME, "rho", self.rho, (0.0..=1.0).contains(&self.rho), "a number from 0 to 1")?;
        check_positive(Self::NAME, "eps", self.eps)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        slot.apply(Self::NAME, *self)
    }
}

impl Update<2> for AdadeltaOptions {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [square, deltas]: [R; 2]) -> (R, [R; 2]) {
        let (rho, rest, eps) = (R::of(self.rho), R::of(1.0 - self.rho), R::of(self.eps));
        let g = if self.maximize { -g } else { g };
        let g = if self.weight_decay != 0.0 { g + R::of(self.weight_decay) * p } else { g };
        let square = rho * square + rest * (g * g);
        let delta = (deltas + eps).sqrt() / (square + eps).sqrt() * g;
        let deltas = rho * deltas + rest * (delta * delta);
        (p - R::of(self.lr) * delta, [square, deltas])
    }
}
