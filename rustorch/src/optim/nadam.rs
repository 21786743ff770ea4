//! NAdam.

use super::driver::{Optim, Rule, Slot, check_positive, check_rate};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Adam with Nesterov's momentum (`torch.optim.NAdam`; Dozat 2016).
///
/// With `μₜ = β₁ (1 - ½ · 0.96^(t · momentum_decay))` the step looks ahead: it weighs the gradient by
/// `(1 - μₜ) / (1 - Π μ)` and the first moment by `μₜ₊₁ / (1 - μₜ₊₁ Π μ)`.
///
/// ```
/// use rustorch::optim::{NAdam, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = NAdam::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!(w.item::<f32>()? < 1.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type NAdam = Optim<NAdamOptions>;

options! {
    /// The options of [`NAdam`].
    NAdamOptions {
        /// The learning rate.
        lr: f64 = 2e-3,
        /// How much of the moments is kept per step.
        betas: (f64, f64) = (0.9, 0.999),
        /// Keeps the division from exploding.
        eps: f64 = 1e-8,
        /// The L2 penalty, or the decay.
        weight_decay: f64 = 0.0,
        /// How fast the momentum warms up.
        momentum_decay: f64 = 4e-3,
        /// Whether the weight decay does not pass through the moments.
        decoupled_weight_decay: bool = false,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for NAdamOptions {
    const NAME: &'static str = "NAdam";

    fn state(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    #[inline]
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("mu_product", 1.0)]
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_rate(Self::NAME, "betas.0", self.betas.0)?;
        check_rate(Self::NAME, "betas.1", self.betas.1)?;
        check_positive(Self::NAME, "eps", self.eps)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)?;
        check_positive(Self::NAME, "momentum_decay", self.momentum_decay)
    }

    fn momentum(&mut self) -> Option<&mut f64> {
        Some(&mut self.betas.0)
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        let step = slot.step as f64;
        let mu_at = |step: f64| self.betas.0 * (1.0 - 0.5 * 0.96f64.powf(step * self.momentum_decay));
        let (mu, mu_next) = (mu_at(step), mu_at(step + 1.0));
        let product = slot.scalars[0].1 * mu;
        slot.scalars[0].1 = product;
        let update = Step {
            of_gradient: self.lr * (1.0 - mu) / (1.0 - product),
            of_moment: self.lr * mu_next / (1.0 - product * mu_next),
            correction: 1.0 - self.betas.1.powf(step),
            options: *self,
        };
        slot.apply(Self::NAME, update)
    }
}

#[derive(Clone, Copy)]
struct Step {
    of_gradient: f64,
    of_moment: f64,
    correction: f64,
    options: NAdamOptions,
}

impl Update<2> for Step {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [m, v]: [R; 2]) -> (R, [R; 2]) {
        let NAdamOptions { lr, betas, eps, weight_decay, decoupled_weight_decay, maximize, .. } =
            self.options;
        let g = if maximize { -g } else { g };
        let (p, g) = match (weight_decay != 0.0, decoupled_weight_decay) {
            (false, _) => (p, g),
            (true, true) => (R::of(1.0 - lr * weight_decay) * p, g),
            (true, false) => (p, g + R::of(weight_decay) * p),
        };
        let m = m.lerp(g, 1.0 - betas.0);
        let v = R::of(betas.1) * v + R::of(1.0 - betas.1) * (g * g);
        let divisor = (v / R::of(self.correction)).sqrt() + R::of(eps);
        let p = p - R::of(self.of_gradient) * (g / divisor) - R::of(self.of_moment) * (m / divisor);
        (p, [m, v])
    }
}
