//! Adam, and Adam with decoupled weight decay.

use super::driver::{Optim, Rule, Slot, check_positive, check_rate};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Adam: steps scaled by running moments of the gradient (`torch.optim.Adam`; Kingma and Ba 2015).
///
/// `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²`, `p ← p - lr · m̂ / (√v̂ + ε)`, where `m̂` and `v̂` are corrected for
/// having started at zero, and `g ← g + weight_decay · p` before. With `amsgrad` the largest `v` so far is used
/// (Reddi et al. 2018).
///
/// ```
/// use rustorch::optim::{Adam, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = Adam::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.9).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type Adam = Optim<AdamOptions>;

/// Adam whose weight decay does not pass through the moments: `p ← (1 - lr · weight_decay) p` before the step
/// (`torch.optim.AdamW`; Loshchilov and Hutter 2019).
///
/// ```
/// use rustorch::optim::{AdamW, Optimizer};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = AdamW::builder([w.clone()]).lr(0.1).weight_decay(0.5).build()?;
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.85).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type AdamW = Optim<AdamWOptions>;

options! {
    /// The options of [`Adam`].
    AdamOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much of the moments is kept per step.
        betas: (f64, f64) = (0.9, 0.999),
        /// Keeps the division from exploding.
        eps: f64 = 1e-8,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// Whether to divide by the largest second moment so far.
        amsgrad: bool = false,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

options! {
    /// The options of [`AdamW`].
    AdamWOptions {
        /// The learning rate.
        lr: f64 = 1e-3,
        /// How much of the moments is kept per step.
        betas: (f64, f64) = (0.9, 0.999),
        /// Keeps the division from exploding.
        eps: f64 = 1e-8,
        /// The part of the parameter, times the learning rate, that each step takes away.
        weight_decay: f64 = 1e-2,
        /// Whether to divide by the largest second moment so far.
        amsgrad: bool = false,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

macro_rules! adam {
    ($options:ident, $name:literal, decoupled = $decoupled:literal) => {
        impl Rule for $options {
            const NAME: &'static str = $name;

            fn state(&self) -> &'static [&'static str] {
                let names: &[&str] = &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];
                if self.amsgrad { names } else { &names[..2] }
            }

            fn check(&self) -> Result<()> {
                check_rate(Self::NAME, "betas.0", self.betas.0)?;
                check_rate(Self::NAME, "betas.1", self.betas.1)?;
                check_positive(Self::NAME, "eps", self.eps)?;
                check_positive(Self::NAME, "weight_decay", self.weight_decay)
            }

            fn momentum(&mut self) -> Option<&mut f64> {
                Some(&mut self.betas.0)
            }

            fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
                let Self { lr, betas, eps, weight_decay, amsgrad, maximize } = *self;
                let step = slot.step as f64;
                let moments = Moments {
                    betas,
                    eps,
                    step_size: lr / (1.0 - betas.0.powf(step)),
                    correction: (1.0 - betas.1.powf(step)).sqrt(),
                    penalty: if $decoupled { 0.0 } else { weight_decay },
                    keep: if $decoupled { 1.0 - lr * weight_decay } else { 1.0 },
                    maximize,
                };
                if amsgrad {
                    slot.apply(Self::NAME, Largest(moments))
                } else {
                    slot.apply(Self::NAME, moments)
                }
            }
        }
    };
}
adam!(AdamOptions, "Adam", decoupled = false);
adam!(AdamWOptions, "AdamW", decoupled = true);

/// One step of Adam: the options with what they come to at this step.
#[derive(Clone, Copy)]
struct Moments {
    betas: (f64, f64),
    eps: f64,
    step_size: f64,
    /// The square root of the second moment's correction.
    correction: f64,
    /// The L2 penalty.
    penalty: f64,
    /// What the decoupled decay leaves of the parameter.
    keep: f64,
    maximize: bool,
}

impl Moments {
    /// The decayed parameter and both moments.
    #[inline(always)]
    fn moments<R: Real>(&self, p: R, g: R, m: R, v: R) -> (R, R, R) {
        let g = if self.maximize { -g } else { g };
        let g = if self.penalty != 0.0 { g + R::of(self.penalty) * p } else { g };
        let m = m.lerp(g, 1.0 - self.betas.0);
        let v = R::of(self.betas.1) * v + R::of(1.0 - self.betas.1) * (g * g);
        (R::of(self.keep) * p, m, v)
    }

    #[inline(always)]
    fn advance<R: Real>(&self, p: R, m: R, v: R) -> R {
        p - R::of(self.step_size) * (m / (v.sqrt() / R::of(self.correction) + R::of(self.eps)))
    }
}

impl Update<2> for Moments {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [m, v]: [R; 2]) -> (R, [R; 2]) {
        let (p, m, v) = self.moments(p, g, m, v);
        (self.advance(p, m, v), [m, v])
    }
}

/// The variant that divides by the largest second moment.
#[derive(Clone, Copy)]
struct Largest(Moments);

impl Update<3> for Largest {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [m, v, largest]: [R; 3]) -> (R, [R; 3]) {
        let (p, m, v) = self.0.moments(p, g, m, v);
        let largest = largest.max(v);
        (self.0.advance(p, m, largest), [m, v, largest])
    }
}
