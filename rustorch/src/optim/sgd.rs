//! Stochastic gradient descent.

use super::driver::{Optim, Rule, Slot, check_positive};
use super::options::options;
use crate::kernels::optim::{Real, Update};
use crate::{Error, Result};

/// Stochastic gradient descent, optionally with momentum (`torch.optim.SGD`).
///
/// `b ← momentum · b + (1 - dampening) · g` (the first time `b ← g`), `p ← p - lr · b`, with `g + momentum · b` in place of
/// `b` for Nesterov's variant, and `g ← g + weight_decay · p` before.
///
/// ```
/// use rustorch::optim::{Optimizer, SGD};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = SGD::builder([w.clone()]).lr(0.5).momentum(0.9).nesterov(true).build()?;
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? + 0.9).abs() < 1e-6); // 1 - 0.5 · (2 + 0.9 · 2)
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type SGD = Optim<SGDOptions>;

options! {
    /// The options of [`SGD`].
    SGDOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much of the previous step is kept.
        momentum: f64 = 0.0,
        /// How much of the gradient is kept out of the momentum.
        dampening: f64 = 0.0,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to look ahead by the momentum (needs momentum, and no dampening).
        nesterov: bool = false,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for SGDOptions {
    const NAME: &'static str = "SGD";

    fn state(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check_positive(Self::NAME, "momentum", self.momentum)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)?;
        super::driver::check(Self::NAME, "dampening", self.dampening, true, "a finite number")?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            return Err(Error::argument(
                Self::NAME,
                format!(
                    "nesterov needs a momentum and no dampening, but momentum is {} and dampening is {}",
                    self.momentum, self.dampening
                ),
            ));
        }
        Ok(())
    }

    fn momentum(&mut self) -> Option<&mut f64> {
        Some(&mut self.momentum)
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        if self.momentum == 0.0 {
            return slot.apply(Self::NAME, Plain(*self));
        }
        slot.apply(Self::NAME, WithMomentum { options: *self, first: slot.fresh })
    }
}

impl SGDOptions {
    #[inline(always)]
    fn gradient<R: Real>(&self, p: R, g: R) -> R {
        let g = if self.maximize { -g } else { g };
        if self.weight_decay != 0.0 { g + R::of(self.weight_decay) * p } else { g }
    }
}

#[derive(Clone, Copy)]
struct Plain(SGDOptions);

impl Update<0> for Plain {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, _: [R; 0]) -> (R, [R; 0]) {
        (p - R::of(self.0.lr) * self.0.gradient(p, g), [])
    }
}

#[derive(Clone, Copy)]
struct WithMomentum {
    options: SGDOptions,
    first: bool,
}

impl Update<1> for WithMomentum {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [buffer]: [R; 1]) -> (R, [R; 1]) {
        let SGDOptions { lr, momentum, dampening, nesterov, .. } = self.options;
        let g = self.options.gradient(p, g);
        let kept = R::of(momentum) * buffer + R::of(1.0 - dampening) * g;
        let buffer = if self.first { g } else { kept };
        let direction = if nesterov { g + R::of(momentum) * buffer } else { buffer };
        (p - R::of(lr) * direction, [buffer])
    }
}
