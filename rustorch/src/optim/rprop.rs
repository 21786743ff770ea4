//! Resilient backpropagation.

use super::driver::{Optim, Rule, Slot, check, check_positive};
use super::options::options;
use crate::kernels::optim::{Real, Update};
use crate::{Error, Result};

/// Steps by the sign of the gradient alone, with a size per element that grows while the sign stays and shrinks when it
/// changes (`torch.optim.Rprop`; Riedmiller and Braun 1993). For full batches.
///
/// ```
/// use rustorch::optim::{Optimizer, Rprop};
/// use rustorch::Tensor;
/// let w = Tensor::from([1.0f32]).requires_grad_(true)?;
/// let mut opt = Rprop::new([w.clone()], 0.1);
/// w.square().sum().backward()?;
/// opt.step()?;
/// assert!((w.item::<f32>()? - 0.9).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub type Rprop = Optim<RpropOptions>;

options! {
    /// The options of [`Rprop`].
    RpropOptions {
        /// The size of the first step.
        lr: f64 = 1e-2,
        /// The factors by which the step shrinks and grows.
        etas: (f64, f64) = (0.5, 1.2),
        /// The smallest and the largest step.
        step_sizes: (f64, f64) = (1e-6, 50.0),
        /// Whether to go up instead of down.
        maximize: bool = false,
    }
}

impl Rule for RpropOptions {
    const NAME: &'static str = "Rprop";

    fn state(&self) -> &'static [&'static str] {
        &["prev", "step_size"]
    }

    fn initial(&self, name: &str) -> f64 {
        if name == "step_size" { self.lr } else { 0.0 }
    }

    #[inline]
    fn check(&self) -> Result<()> {
        let (shrink, grow) = self.etas;
        check(Self::NAME, "etas.0", shrink, shrink > 0.0 && shrink < 1.0, "a number between 0 and 1")?;
        check(Self::NAME, "etas.1", grow, grow > 1.0, "a finite number above 1")?;
        check_positive(Self::NAME, "step_sizes.0", self.step_sizes.0)?;
        check_positive(Self::NAME, "step_sizes.1", self.step_sizes.1)?;
        if self.step_sizes.0 > self.step_sizes.1 {
            let (low, high) = self.step_sizes;
            return Err(Error::argument(
                Self::NAME,
                format!("the smallest step {low} exceeds the largest {high}"),
            ));
        }
        Ok(())
    }

    #[inline]
    fn update(&self, slot: &mut Slot<'_>) -> Result<()> {
        slot.apply(Self::NAME, *self)
    }
}

impl Update<2> for RpropOptions {
    #[inline(always)]
    fn update<R: Real>(&self, p: R, g: R, [previous, size]: [R; 2]) -> (R, [R; 2]) {
        let zero = R::of(0.0);
        let g = if self.maximize { -g } else { g };
        let agreement = g * previous;
        let turned = agreement < zero;
        let factor = if agreement > zero { self.etas.1 } else { 1.0 };
        let factor = if turned { self.etas.0 } else { factor };
        let size = (size * R::of(factor)).max(R::of(self.step_sizes.0)).min(R::of(self.step_sizes.1));
        let g = if turned { zero } else { g };
        let sign = if g > zero { R::of(1.0) } else { zero };
        let sign = if g < zero { R::of(-1.0) } else { sign };
        (p - sign * size, [g, size])
    }
}
