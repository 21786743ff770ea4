//! RMSprop.

use super::driver::{Optim, Rule, Slot, check, check_positive};
use super::options::options;
use crate::Result;
use crate::kernels::optim::{Real, Update};

/// Steps divided by a running root mean square of the gradient (`torch.optim.RMSprop`; Hinton 2012).
///
/// `v ← α v + (1 - α) g²`, `p ← p - lr · g / (√v + ε)`; with `centered` the running mean's square is taken from `v`,
/// with momentum the quotients are accumulated: `b ← momentum · b + g / (√v + ε)`, `p ← p - lr · b`.
///
/// ```
/// use rustorch::optim::{Optimizer, RMSprop};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = RMSprop::builder([w.clone()]).lr(0.01).momentum(0.9).centered(true).build()?;
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!(w.item::<f32>()? < 1.0);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type RMSprop = Optim<RMSpropOptions>;

options! {
    /// The options of [`RMSprop`].
    RMSpropOptions {
        /// The learning rate.
        lr: f64 = 1e-2,
        /// How much of the mean square is kept per step.
        alpha: f64 = 0.99,
        /// Keeps the division from exploding.
        eps: f64 = 1e-8,
        /// The L2 penalty.
        weight_decay: f64 = 0.0,
        /// How much of the previous step is kept.
        momentum: f64 = 0.0,
        /// Whether to divide by an estimate of the standard deviation instead.
        centered: bool = false,
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for RMSpropOptions {
    const NAME: &'static str = "RMSprop";

    fn state(&self) -> &'static [&'static str] {
        match (self.momentum > 0.0, self.centered) {
            (false, false) => &["square_avg"],
            (true, false) => &["square_avg", "momentum_buffer"],
            (false, true) => &["square_avg", "grad_avg"],
            (true, true) => &["square_avg", "momentum_buffer", "grad_avg"],
        }
    }

    #[inline]
    fn check(&self) -> Result<()> {
        check(Self::NAME, "alpha", self.alpha, (0.0..=1.0).contains(&self.alpha), "a number from 0 to 1")?;
        check_positive(Self::NAME, "eps", self.eps)?;
        check_positive(Self::NAME, "weight_decay", self.weight_decay)?;
        check_positive(Self::NAME, "momentum", self.momentum)
    }

    fn momentum(&mut self) -> Option<&mut f64> {
        Some(&mut self.momentum)
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        let op = Self::NAME;
        match (self.momentum > 0.0, self.centered) {
            (false, false) => slot.apply(op, Plain(*self)),
            (true, false) => slot.apply(op, WithMomentum(*self)),
            (false, true) => slot.apply(op, Centered(*self)),
            (true, true) => slot.apply(op, CenteredWithMomentum(*self)),
        }
    }
}

impl RMSpropOptions {
    #[inline(always)]
    fn gradient<R: Real>(&self, p: R, g: R) -> R {
        let g = if self.maximize { -g } else { g };
        if self.weight_decay != 0.0 { g + R::of(self.weight_decay) * p } else { g }
    }

    #[inline(always)]
    fn square<R: Real>(&self, g: R, v: R) -> R {
        R::of(self.alpha) * v + R::of(1.0 - self.alpha) * (g * g)
    }

    #[inline(always)]
    fn mean<R: Real>(&self, g: R, m: R) -> R {
        m.lerp(g, 1.0 - self.alpha)
    }

    /// What the step is, given the mean square.
    #[inline(always)]
    fn quotient<R: Real>(&self, g: R, variance: R) -> R {
        g / (variance.sqrt() + R::of(self.eps))
    }
}

#[derive(Clone, Copy)]
struct Plain(RMSpropOptions);

impl Update<1> for Plain {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [v]: [R; 1]) -> (R, [R; 1]) {
        let g = self.0.gradient(p, g);
        let v = self.0.square(g, v);
        (p - R::of(self.0.lr) * self.0.quotient(g, v), [v])
    }
}

#[derive(Clone, Copy)]
struct WithMomentum(RMSpropOptions);

impl Update<2> for WithMomentum {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [v, b]: [R; 2]) -> (R, [R; 2]) {
        let g = self.0.gradient(p, g);
        let v = self.0.square(g, v);
        let b = R::of(self.0.momentum) * b + self.0.quotient(g, v);
        (p - R::of(self.0.lr) * b, [v, b])
    }
}

#[derive(Clone, Copy)]
struct Centered(RMSpropOptions);

impl Update<2> for Centered {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [v, m]: [R; 2]) -> (R, [R; 2]) {
        let g = self.0.gradient(p, g);
        let (v, m) = (self.0.square(g, v), self.0.mean(g, m));
        (p - R::of(self.0.lr) * self.0.quotient(g, v - m * m), [v, m])
    }
}

#[derive(Clone, Copy)]
struct CenteredWithMomentum(RMSpropOptions);

impl Update<3> for CenteredWithMomentum {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [v, b, m]: [R; 3]) -> (R, [R; 3]) {
        let g = self.0.gradient(p, g);
        let (v, m) = (self.0.square(g, v), self.0.mean(g, m));
        let b = R::of(self.0.momentum) * b + self.0.quotient(g, v - m * m);
        (p - R::of(self.0.lr) * b, [v, b, m])
    }
}
