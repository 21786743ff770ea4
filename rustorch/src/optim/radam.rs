//! RAdam.

use super::driver::{Optim, Rule, Slot, check_positive, check_rate};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Adam that divides by the second moment only once enough gradients were seen to trust it (`torch.optim.RAdam`;
/// Liu et al. 2020).
///
/// While the effective length `ρₜ` of the second moment's average is at most 5, `p ← p - lr · m̂`; after that
/// `p ← p - lr · r · m̂ · √(1 - β₂ᵗ) / (√v + ε)` with the rectification `r` made from `ρₜ`.
///
/// ```
/// use rustorch::optim::{Optimizer, RAdam};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = RAdam::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.8).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type RAdam = Optim<RAdamOptions>;

options! {
    /// The options of [`RAdam`].
    RAdamOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much of the moments is kept per step.
        betas: (f64, f64) = (0.9, 0.999),
        /// Keeps the division from exploding.
        eps: f64 = 1e-8,
        /// The L2 penalty, or the decay.
        weight_decay: f64 = 0.0,
        /// Whether the weight decay does not pass through the moments.
        decoupled_weight_decay: bool = false,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for RAdamOptions {
    const NAME: &'static str = "RAdam";

    fn state(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
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
        let (step, (beta1, beta2)) = (slot.step as f64, self.betas);
        let correction = 1.0 - beta2.powf(step);
        let longest = 2.0 / (1.0 - beta2) - 1.0;
        let length = longest - 2.0 * step * beta2.powf(step) / correction;
        let rectification = (length > 5.0).then(|| {
            let numerator = (length - 4.0) * (length - 2.0) * longest;
            (numerator / ((longest - 4.0) * (longest - 2.0) * length)).sqrt() * correction.sqrt()
        });
        let step_size = self.lr / (1.0 - beta1.powf(step));
        slot.apply(Self::NAME, Step { step_size, rectification, options: *self })
    }
}

#[derive(Clone, Copy)]
struct Step {
    step_size: f64,
    /// What divides by the second moment, if that can be trusted.
    rectification: Option<f64>,
    options: RAdamOptions,
}

impl Update<2> for Step {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [m, v]: [R; 2]) -> (R, [R; 2]) {
        let RAdamOptions { lr, betas, eps, weight_decay, decoupled_weight_decay, maximize } = self.options;
        let g = if maximize { -g } else { g };
        let (p, g) = match (weight_decay != 0.0, decoupled_weight_decay) {
            (false, _) => (p, g),
            (true, true) => (R::of(1.0 - lr * weight_decay) * p, g),
            (true, false) => (p, g + R::of(weight_decay) * p),
        };
        let m = m.lerp(g, 1.0 - betas.0);
        let v = R::of(betas.1) * v + R::of(1.0 - betas.1) * (g * g);
        let direction = match self.rectification {
            Some(factor) => m * (R::of(factor) / (v.sqrt() + R::of(eps))),
            None => m,
        };
        (p - R::of(self.step_size) * direction, [m, v])
    }
}
