//! Normalisation of each channel of each example: groups of one channel, or, by running statistics, of channels over the batch.

use rustorch_shape::rules;

use super::super::{Buf, Grad, Pass};
use super::batch_norm::{ChannelNorm, blend};
use super::group_norm::GroupNorm;
use crate::Result;
use crate::kernels::batch_norm::{Shape, statistics};
use crate::kernels::{isa, scratch};
use crate::layout::Dims;

/// What channels of examples are normalised by.
#[derive(Clone, Copy)]
pub struct InstanceNorm<'a> {
    name: &'static str,
    /// How many axes a channel has.
    axes: usize,
    features: usize,
    norm: ChannelNorm<'a>,
    /// How much of the statistics enters the running ones.
    momentum: f64,
}

macro_rules! from_layers {
    ($($axes:literal $layer:ident;)*) => {$(
        impl<'a> From<&'a crate::nn::$layer> for InstanceNorm<'a> {
            #[inline]
            fn from(layer: &'a crate::nn::$layer) -> Self {
                Self {
                    name: stringify!($layer),
                    axes: $axes,
                    features: layer.num_features,
                    norm: ChannelNorm::from(layer),
                    momentum: layer.momentum.unwrap_or_default(),
                }
            }
        }
    )*};
}
from_layers! {
    1 InstanceNorm1d;
    2 InstanceNorm2d;
    3 InstanceNorm3d;
}

impl<'a> InstanceNorm<'a> {
    /// Channels of so many axes, without weight, bias and running statistics.
    pub fn plain(axes: usize, features: usize, eps: f64) -> Self {
        Self { name: "instance_norm", axes, features, norm: ChannelNorm::plain(eps), momentum: 0.0 }
    }

    /// Whether the statistics are the input's own.
    fn uses_input(&self) -> bool {
        self.norm.training || self.norm.running.is_none()
    }

    /// Groups of one channel each.
    fn groups(&self) -> GroupNorm<'a> {
        let ChannelNorm { weight, bias, eps, .. } = self.norm;
        GroupNorm { weight, bias, groups: self.features, eps }
    }

    /// The shape with a batch, if that was left out.
    #[inline]
    fn batched(&self, shape: &[usize]) -> Dims {
        let missing = (shape.len() == self.axes + 1).then_some(1);
        missing.into_iter().chain(shape.iter().copied()).collect()
    }

    /// Blends the mean of the examples' statistics into the running ones.
    fn track(&self, x: Buf, shape: &[usize]) {
        let Some(running) = self.norm.running.filter(|_| self.norm.training) else { return };
        let (batch, channels) = (shape[0], shape[1]);
        let (count, positions) = (batch * channels, x.len / (batch * channels));
        scratch::with(2 * count, |parts: *mut f32| {
            let (mean, var) = (parts, parts.wrapping_add(count));
            // SAFETY: the input has this shape, the parts have room for a number of each channel of each example, and the
            // running statistics were checked.
            unsafe {
                let rows = Shape { batch: 1, channels: count, inner: positions };
                statistics(isa(), rows, x.f32(), mean, var);
                for sums in [mean, var] {
                    let (first, others) = std::slice::from_raw_parts_mut(sums, count).split_at_mut(channels);
                    for other in others.chunks(channels) {
                        first.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
                    }
                    first.iter_mut().for_each(|sum| *sum /= batch as f32);
                }
                let unbiased = (positions as f64 / (positions as f64 - 1.0)) as f32;
                blend(running, [(mean, 1.0), (var, unbiased)], channels, self.momentum);
            }
        });
    }
}

impl Pass {
    /// Normalised channels of examples (`torch.nn.functional.instance_norm`).
    ///
    /// # Errors
    /// If channels have one position each and are normalised by their own statistics, or what the elements are is unknown.
    #[inline]
    pub fn instance_norm(
        &mut self,
        inputs: &[(Buf, &[usize])],
        layer: InstanceNorm<'_>,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of an instance norm")?;
        let InstanceNorm { name, axes, features, .. } = layer;
        self.fact(|| Ok(rules::instance_norm(name, shape, &features, axes, layer.uses_input(), &mut ())?))?;
        let shape = layer.batched(shape);
        if !layer.uses_input() {
            made[0] = self.batch_norm(x, &shape, layer.norm, None, None)?;
            return Ok(());
        }
        if !self.planning {
            layer.track(x, &shape);
        }
        self.group_norm(&[(x, &shape)], layer.groups(), outputs, made)
    }

    /// The gradient of [`Pass::instance_norm`].
    ///
    /// # Errors
    /// If there is not enough memory.
    #[inline]
    pub fn instance_norm_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        layer: InstanceNorm<'_>,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let shape = layer.batched(shapes[0]);
        match layer.uses_input() {
            true => self.group_norm_backward(g, &[&shape], layer.groups(), outputs, into),
            false => self.batch_norm_backward(g[0], &shape, layer.norm, None, (&mut *into[0], None)),
        }
    }
}
