//! Normalisation of groups of channels.

use super::super::parameters::Target;
use super::super::{Buf, Grad, Pass};
use super::{add_into, numel, read_option, wants};
use crate::kernels::group_norm::{self, Gradients, Norm};
use crate::kernels::{isa, scratch};
use crate::{Result, Tensor};

/// What groups of channels are normalised by.
#[derive(Clone, Copy)]
pub struct GroupNorm<'a> {
    pub(super) weight: Option<&'a Tensor>,
    pub(super) bias: Option<&'a Tensor>,
    pub(super) groups: usize,
    pub(super) eps: f64,
}

impl<'a> From<&'a crate::nn::GroupNorm> for GroupNorm<'a> {
    fn from(layer: &'a crate::nn::GroupNorm) -> Self {
        let (weight, bias) = (layer.weight.as_ref(), layer.bias.as_ref());
        Self { weight, bias, groups: layer.num_groups, eps: layer.eps }
    }
}

impl GroupNorm<'_> {
    /// So many groups, without weight and bias.
    pub fn plain(groups: usize, eps: f64) -> Self {
        Self { weight: None, bias: None, groups, eps }
    }

    fn parameters(&self) -> [Option<&Tensor>; 2] {
        [self.weight, self.bias]
    }

    /// The kernel's description for an input of this shape, whose sizes and groups the entry to the pass has checked.
    #[inline]
    fn describe(&self, shape: &[usize], weight: Option<*const f32>, bias: Option<*const f32>) -> Norm<f32> {
        Norm {
            batch: shape[0],
            channels: shape[1],
            positions: numel(&shape[2..]),
            groups: self.groups,
            eps: self.eps as f32,
            weight,
            bias,
        }
    }
}

impl Pass {
    /// Normalised groups of channels (`torch.nn.functional.group_norm`).
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn group_norm(
        &mut self,
        inputs: &[(Buf, &[usize])],
        layer: GroupNorm<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of group_norm")?;
        let grad = self.recording && (x.grad || wants(&layer.parameters()));
        let groups = shape[0] * layer.groups;
        let y = self.result(x.len, grad);
        let kept = if grad { Some([self.numbers(groups, false), self.numbers(groups, false)]) } else { None };
        if !self.planning {
            let [(weight, _w), (bias, _b)] = layer.parameters().map(read_option);
            let kept = kept.map(|[mean, rstd]| (mean.f32(), rstd.f32()));
            let norm = layer.describe(shape, weight, bias);
            // SAFETY: buffers of the pass of these sizes; the parameters are locked and were checked.
            unsafe { group_norm::forward(isa(), &norm, x.f32(), y.f32(), kept) };
        }
        self.save(x, grad);
        for kept in kept.unwrap_or([Buf::NONE; 2]) {
            self.save(kept, grad);
            self.release(kept);
        }
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::group_norm`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn group_norm_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        layer: GroupNorm<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (rstd, mean, x) = (self.saved(), self.saved(), self.saved());
        let Some(g) = g[0] else { return Ok(()) };
        let dx = if x.grad { Some(self.numbers(x.len, false)) } else { None };
        if !self.planning {
            let mut targets = [None; 2];
            for (target, parameter) in targets.iter_mut().zip(layer.parameters()) {
                *target = match parameter {
                    Some(parameter) => self.parameters.target(parameter)?,
                    None => None,
                };
            }
            let (weight, _guard) = read_option(layer.weight);
            let norm = layer.describe(shapes[0], weight, None);
            let channels = norm.channels;
            scratch::with(2 * channels, |parts: *mut f32| {
                let places = [parts, parts.wrapping_add(channels)];
                // Where a gradient is there already, the new one is computed apart.
                let place = |at: usize| {
                    targets[at].map(|target: Target| if target.accumulate { places[at] } else { target.ptr })
                };
                let gradients = Gradients {
                    x: x.f32(),
                    dy: g.f32(),
                    mean: mean.f32(),
                    rstd: rstd.f32(),
                    dx: dx.map(|dx| dx.f32()),
                    dweight: place(0),
                    dbias: place(1),
                };
                // SAFETY: buffers of the pass of these sizes; the gradients have the parameters' shapes.
                unsafe {
                    group_norm::backward(isa(), &norm, &gradients);
                    for (target, part) in targets.iter().zip(places) {
                        if let Some(target) = target.filter(|target| target.accumulate) {
                            add_into(target.ptr, target.ptr, part, channels);
                        }
                    }
                }
            });
        }
        self.contribute(into[0], dx);
        Ok(())
    }
}
