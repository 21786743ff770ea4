//! Averaged stochastic gradient descent.

use super::driver::{Optim, Rule, Slot, check, check_positive};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Gradient descent with a falling rate, which also averages the parameters from step `t0` on (`torch.optim.ASGD`;
/// Polyak and Juditsky 1992).
///
/// `p ← (1 - λ η) p - η g` with `η = lr / (1 + λ · lr · t)^α`; the average is the state `ax` in
/// [`Optimizer::state_dict`](super::Optimizer::state_dict).
///
/// ```
/// use rustorch::optim::{ASGD, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = ASGD::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.8).abs() < 1e-4);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type ASGD = Optim<ASGDOptions>;

options! {
    /// The options of [`ASGD`].
    ASGDOptions {
        /// The learning rate.
        lr: f64 = 1e-2,
        /// The decay.
        lambd: f64 = 1e-4,
        /// The power by which the rate falls.
        alpha: f64 = 0.75,
        /// The step at which averaging starts.
        t0: f64 = 1e6,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for ASGDOptions {
    const NAME: &'static str = "ASGD";

    fn state(&self) -> &'static [&'static str] {
        &["ax"]
    }

    #[inline]
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("eta", self.lr), ("mu", 1.0)]
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_positive(Self::NAME, "lambd", self.lambd)?;
        check_positive(Self::NAME, "alpha", self.alpha)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)?;
        check(Self::NAME, "t0", self.t0, true, "a finite number")
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        let (eta, mu) = (slot.scalars[0].1, slot.scalars[1].1);
        slot.apply(Self::NAME, Step { eta, mu, options: *self })?;
        let step = slot.step as f64;
        slot.scalars[0].1 = self.lr / (1.0 + self.lambd * self.lr * step).powf(self.alpha);
        slot.scalars[1].1 = 1.0 / (step - self.t0).max(1.0);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Step {
    eta: f64,
    mu: f64,
    options: ASGDOptions,
}

impl Update<1> for Step {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [average]: [R; 1]) -> (R, [R; 1]) {
        let ASGDOptions { lambd, weight_decay, maximize, .. } = self.options;
        let g = if maximize { -g } else { g };
        let g = if weight_decay != 0.0 { g + R::of(weight_decay) * p } else { g };
        let p = R::of(1.0 - lambd * self.eta) * p - R::of(self.eta) * g;
        let average = if self.mu == 1.0 { p } else { average + R::of(self.mu) * (p - average) };
        (p, [average])
    }
}
