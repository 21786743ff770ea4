//! Adagrad.

use super::driver::{Optim, Rule, Slot, check_positive};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Steps divided by the root of the sum of all squared gradients (`torch.optim.Adagrad`; Duchi et al. 2011).
///
/// `s ← s + g²`, `p ← p - lr / (1 + (t - 1) · lr_decay) · g / (√s + ε)`.
///
/// ```
/// use rustorch::optim::{Adagrad, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = Adagrad::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.9).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type Adagrad = Optim<AdagradOptions>;

options! {
    /// The options of [`Adagrad`].
    AdagradOptions {
        /// The learning rate.
        lr: f64 = 1e-2,
        /// How fast the learning rate falls with the number of steps.
        lr_decay: f64 = 0.0,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// The value with which the sums start.
        initial_accumulator_value: f64 = 0.0,
        /// Keeps the division from exploding.
        eps: f64 = 1e-10,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for AdagradOptions {
    const NAME: &'static str = "Adagrad";

    fn state(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn initial(&self, _: &str) -> f64 {
        self.initial_accumulator_value
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_positive(Self::NAME, "lr_decay", self.lr_decay)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)?;
        check_positive(Self::NAME, "initial_accumulator_value", self.initial_accumulator_value)?;
        check_positive(Self::NAME, "eps", self.eps)
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        let lr = self.lr / (1.0 + (slot.step - 1) as f64 * self.lr_decay);
        slot.apply(Self::NAME, Step { lr, options: *self })
    }
}

#[derive(Clone, Copy)]
struct Step {
    lr: f64,
    options: AdagradOptions,
}

impl Update<1> for Step {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [sum]: [R; 1]) -> (R, [R; 1]) {
        let AdagradOptions { weight_decay, eps, maximize, .. } = self.options;
        let g = if maximize { -g } else { g };
        let g = if weight_decay != 0.0 { g + R::of(weight_decay) * p } else { g };
        let sum = sum + g * g;
        (p - R::of(self.lr) * (g / (sum.sqrt() + R::of(eps))), [sum])
    }
}
