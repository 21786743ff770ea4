//! ReLU with slopes that are drawn.

use super::super::{Buf, Grad, Pass};
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::nn::RReLU;
use crate::random::draw_uniform;
use crate::{Result, nn};

/// Where slopes are drawn from.
#[derive(Clone, Copy)]
pub struct Slopes {
    /// The least and the greatest.
    pub bounds: [f64; 2],
    /// Whether they are drawn; otherwise they are the mean of the two.
    pub training: bool,
}

impl From<&RReLU> for Slopes {
    fn from(layer: &nn::RReLU) -> Self {
        Self { bounds: [layer.lower, layer.upper], training: layer.training.get() }
    }
}

impl Pass {
    /// Elements, those that are not positive times a slope.
    ///
    /// # Errors
    /// If the bounds of the slopes are none, or what the elements are is unknown.
    pub fn rrelu(
        &mut self,
        inputs: &[(Buf, &[usize])],
        slopes: Slopes,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let x = inputs[0].0;
        self.expect_numbers(x, "the input of an activation")?;
        let [lower, upper] = slopes.bounds;
        rustorch_shape::rules::rrelu("rrelu", lower, upper)?;
        let grad = self.recording && x.grad;
        let y = self.result(x.len, grad);
        let factors = self.numbers(x.len, grad);
        if !self.planning {
            let mean = ((lower + upper) / 2.0) as f32;
            if slopes.training {
                // SAFETY: a buffer of the pass of this size.
                unsafe { draw_uniform(slopes.bounds, factors.f32(), factors.len) };
            }
            let shared = Shared([x, factors, y].map(|buf| buf.f32()));
            parallel::for_each_chunk(x.len, GRAIN, |range| {
                let [x, factors, y] = shared.get();
                for at in range {
                    // SAFETY: buffers of the pass of this size; chunks are disjoint.
                    unsafe {
                        let slope = if slopes.training { *factors.add(at) } else { mean };
                        let factor = if *x.add(at) > 0.0 { 1.0 } else { slope };
                        *factors.add(at) = factor;
                        *y.add(at) = *x.add(at) * factor;
                    }
                }
            });
        }
        self.save(factors, grad);
        self.release(factors);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::rrelu`].
    ///
    /// # Errors
    /// None.
    pub fn rrelu_backward(
        &mut self,
        g: &[Grad],
        _: &[&[usize]],
        _: Slopes,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let factors = self.saved();
        let Some(g) = g[0].filter(|_| factors.grad) else { return Ok(()) };
        let dx = self.numbers(factors.len, false);
        if !self.planning {
            let shared = Shared([g, factors, dx].map(|buf| buf.f32()));
            parallel::for_each_chunk(dx.len, GRAIN, |range| {
                let [g, factors, dx] = shared.get();
                for at in range {
                    // SAFETY: as on the way forward.
                    unsafe { *dx.add(at) = *g.add(at) * *factors.add(at) };
                }
            });
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }
}
