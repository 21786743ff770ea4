//! Adamax.

use super::driver::{Optim, Rule, Slot, check_positive, check_rate};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Adam with the infinity norm in place of the second moment (`torch.optim.Adamax`; Kingma and Ba 2015).
///
/// `m ← β₁ m + (1 - β₁) g`, `u ← max(β₂ u, |g| + ε)`, `p ← p - lr / (1 - β₁ᵗ) · m / u`.
///
/// ```
/// use rustorch::optim::{Adamax, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = Adamax::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.9).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type Adamax = Optim<AdamaxOptions>;

options! {
    /// The options of [`Adamax`].
    AdamaxOptions {
        /// The learning rate.
        lr: f64 = 2e-3,
        /// How much of the moment and of the norm is kept per step.
        betas: (f64, f64) = (0.9, 0.999),
        /// Keeps the division from exploding.
        eps: f64 = 1e-8,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for AdamaxOptions {
    const NAME: &'static str = "Adamax";

    fn state(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_inf"]
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_rate(Self::NAME, "betas.0", self.betas.0)?;
        check_rate(Self::NAME, "betas.1", self.betas.1)?;
        check_positive(Self::NAME, "eps", self.eps)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)
    }

    fn momentum(&mut self) -> Option<&mut f64> {
        Some(&mut self.betas.0)
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        let step_size = self.lr / (1.0 - self.betas.0.powf(slot.step as f64));
        slot.apply(Self::NAME, Step { step_size, options: *self })
    }
}

#[derive(Clone, Copy)]
struct Step {
    step_size: f64,
    options: AdamaxOptions,
}

impl Update<2> for Step {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [m, norm]: [R; 2]) -> (R, [R; 2]) {
        let AdamaxOptions { betas, eps, weight_decay, maximize, .. } = self.options;
        let g = if maximize { -g } else { g };
        let g = if weight_decay != 0.0 { g + R::of(weight_decay) * p } else { g };
        let m = m.lerp(g, 1.0 - betas.0);
        let norm = (R::of(betas.1) * norm).max(g.abs() + R::of(eps));
        (p - R::of(self.step_size) * (m / norm), [m, norm])
    }
}
