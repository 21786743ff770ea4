//! Batch normalisation, alone and as the last step of a convolution.

use super::super::{Buf, Grad, Pass};
use super::conv::Conv;
use super::elementwise::{derive, operators};
use super::linear::{Act, fused};
use super::{add_into, numel, read, read_option, wants};
use crate::kernels::batch_norm::{self as kernel, Finish, Gradients, Norm, Shape};
use crate::kernels::conv::{self, Direction, Epilogue, Target};
use crate::kernels::gemm::Activation;
use crate::kernels::{isa, scratch};
use crate::nn::{
    BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, share_of_batch,
};
use crate::storage::lock_for_write;
use crate::{DType, Error, Result, Tensor};

/// What channels (axis 1) are normalised by.
#[derive(Clone, Copy)]
pub struct ChannelNorm<'a> {
    pub(super) weight: Option<&'a Tensor>,
    pub(super) bias: Option<&'a Tensor>,
    /// Mean and variance.
    pub(super) running: Option<(&'a Tensor, &'a Tensor)>,
    count: Option<&'a Tensor>,
    pub(super) eps: f64,
    momentum: Option<f64>,
    pub(super) training: bool,
}

macro_rules! from_layers {
    ($($layer:ident)*) => {$(
        impl<'a> From<&'a $layer> for ChannelNorm<'a> {
            fn from(layer: &'a $layer) -> Self {
                Self {
                    weight: layer.weight.as_ref(),
                    bias: layer.bias.as_ref(),
                    running: layer.running_mean.as_ref().zip(layer.running_var.as_ref()),
                    count: layer.num_batches_tracked.as_ref(),
                    eps: layer.eps,
                    momentum: layer.momentum,
                    training: layer.training.get(),
                }
            }
        }
    )*};
}
from_layers!(BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d);

impl ChannelNorm<'_> {
    /// By nothing but the batch's own statistics.
    pub(super) fn plain(eps: f64) -> Self {
        Self { weight: None, bias: None, running: None, count: None, eps, momentum: None, training: true }
    }

    /// Whether the kernels can work on the parameters and running statistics of so many channels.
    pub fn fits(self, channels: usize) -> bool {
        let vector = |tensor: Option<&Tensor>| {
            tensor.is_none_or(|tensor| {
                tensor.shape() == [channels]
                    && tensor.dtype() == DType::F32
                    && tensor.device().is_cpu()
                    && tensor.is_contiguous()
            })
        };
        let (mean, var) = self.running.unzip();
        [self.weight, self.bias, mean, var].into_iter().all(vector)
    }

    /// As the op-by-op path does.
    #[inline]
    fn check_eps(&self) -> Result<()> {
        Ok(rustorch_shape::rules::batch_norm_eps("batch_norm", self.eps, self.training)?)
    }

    /// Whether it normalises by the batch's own statistics.
    fn uses_batch(&self) -> bool {
        self.training || self.running.is_none()
    }

    /// Blends the batch's mean and unbiased variance into the running ones.
    fn track(&self, mean: *const f32, var: *const f32, channels: usize, count: usize) -> Result<()> {
        if let (true, Some(tracked)) = (self.training, self.count) {
            crate::no_grad(|| tracked.add_(1))?;
        }
        let tracks = self.training && count > 0;
        let Some((running_mean, running_var)) = self.running.filter(|_| tracks) else { return Ok(()) };
        let unbiased = (count as f64 / (count as f64 - 1.0)) as f32;
        let share = share_of_batch(self.momentum, self.count)?;
        // SAFETY: the caller's promise, and `fits` has checked the running statistics.
        unsafe { blend((running_mean, running_var), [(mean, 1.0), (var, unbiased)], channels, share) };
        Ok(())
    }

    /// What the statistics are a function of: where parameters and statistics lie, and their versions.
    fn state(&self) -> [Option<(usize, u64)>; 4] {
        let (mean, var) = self.running.unzip();
        [self.weight, self.bias, mean, var]
            .map(|tensor| tensor.map(|tensor| (tensor.host_ptr() as usize, tensor.version())))
    }
}

/// Blends statistics, times a factor, into the running mean and variance.
///
/// # Safety
/// All have a contiguous `f32` per channel.
pub(super) unsafe fn blend(
    (mean, var): (&Tensor, &Tensor),
    batch: [(*const f32, f32); 2],
    channels: usize,
    share: f64,
) {
    let (keep, take) = ((1.0 - share) as f32, share as f32);
    for (running, (batch, factor)) in [mean, var].into_iter().zip(batch) {
        let _guard = lock_for_write(running.storage(), &[]);
        running.storage().bump_version();
        // SAFETY: the caller's promise; the running statistics are locked.
        let (running, batch) = unsafe {
            (
                std::slice::from_raw_parts_mut(running.host_ptr().cast::<f32>(), channels),
                std::slice::from_raw_parts(batch, channels),
            )
        };
        for (running, batch) in running.iter_mut().zip(batch) {
            *running = *running * keep + batch * factor * take;
        }
    }
}

/// A tensor as `[batch, channels, inner]`.
fn seen(shape: &[usize]) -> Shape {
    Shape { batch: shape[0], channels: shape[1], inner: numel(&shape[2..]) }
}

/// Whether the kernel itself applies the activation.
fn applies(act: Act<'_>) -> bool {
    act.is_none_or(|(op, _)| fused(op) == Some(Activation::Relu))
}

impl Pass {
    /// `act(batch_norm(x) + residual)` for `x` of `shape` `[batch, channels, ..]`; the activation is ReLU, if there is one.
    ///
    /// # Errors
    /// In training, if there is one value per channel.
    pub fn batch_norm(
        &mut self,
        x: Buf,
        shape: &[usize],
        norm: ChannelNorm<'_>,
        residual: Option<Buf>,
        act: Act<'_>,
    ) -> Result<Buf> {
        debug_assert!(applies(act), "model! fuses no other activation");
        norm.check_eps()?;
        let seen = seen(shape);
        let count = seen.batch * seen.inner;
        if norm.uses_batch() && count == 1 {
            return Err(Error::argument(
                "batch_norm",
                format!("training needs more than one value per channel, but the input is {shape:?}"),
            ));
        }
        let own = wants(&[norm.weight, norm.bias]);
        let grad = self.recording && (x.grad || own || residual.is_some_and(|residual| residual.grad));
        let y = self.result(x.len, grad);
        let [mean, var] = [self.numbers(seen.channels, false), self.numbers(seen.channels, false)];
        if !self.planning {
            // SAFETY: buffers of the pass of these sizes; parameters and statistics were checked and are locked.
            unsafe {
                if norm.uses_batch() {
                    kernel::statistics(isa(), seen, x.f32(), mean.f32(), var.f32());
                    norm.track(mean.f32(), var.f32(), seen.channels, count)?;
                } else if let Some((running_mean, running_var)) = norm.running {
                    for (running, kept) in [(running_mean, mean), (running_var, var)] {
                        let (running, _guard) = read(running);
                        std::ptr::copy_nonoverlapping(running, kept.f32(), seen.channels);
                    }
                }
                let ((weight, _w), (bias, _b)) = (read_option(norm.weight), read_option(norm.bias));
                let eps = norm.eps as f32;
                let norm = Norm { mean: mean.f32(), var: var.f32(), eps, weight, bias };
                let residual = residual.map(|residual| residual.f32().cast_const());
                let finish = Finish { residual, relu: act.is_some() };
                kernel::forward(isa(), seen, &norm, finish, x.f32(), y.f32());
            }
        }
        self.save(x, grad);
        if let Some(residual) = residual {
            self.save(residual, false);
        }
        self.save(mean, grad);
        self.save(var, grad);
        self.save(y, grad && act.is_some());
        self.release(mean);
        self.release(var);
        Ok(y)
    }

    /// The gradient of [`Pass::batch_norm`]; `into` are those of the input and of the residual, if there is one.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn batch_norm_backward(
        &mut self,
        g: Grad,
        shape: &[usize],
        norm: ChannelNorm<'_>,
        act: Act<'_>,
        into: (&mut Grad, Option<&mut Grad>),
    ) -> Result<()> {
        let (y, var, mean) = (self.saved(), self.saved(), self.saved());
        let (into, residual_into) = into;
        let residual = residual_into.is_some().then(|| self.saved());
        let x = self.saved();
        let Some(g) = g else { return Ok(()) };
        let dz = match act {
            None => self.retain(g),
            Some(_) => {
                let dz = self.numbers(g.len, false);
                if !self.planning {
                    // SAFETY: buffers of the pass, of the same length.
                    unsafe { derive(operators::relu, &[], g.f32(), y.f32(), dz.f32(), g.len) };
                }
                dz
            }
        };
        let dx = if x.grad { Some(self.numbers(x.len, false)) } else { None };
        if !self.planning {
            self.batch_norm_gradients([x, dz, mean, var], dx, seen(shape), norm)?;
        }
        self.contribute(into, dx);
        if let (Some(into), Some(Buf { grad: true, .. })) = (residual_into, residual) {
            let dz = self.retain(dz);
            self.contribute(into, Some(dz));
        }
        self.release(dz);
        Ok(())
    }

    fn batch_norm_gradients(
        &mut self,
        [x, dz, mean, var]: [Buf; 4],
        dx: Option<Buf>,
        seen: Shape,
        norm: ChannelNorm<'_>,
    ) -> Result<()> {
        let mut target = |parameter: Option<&Tensor>| match parameter {
            Some(parameter) => self.parameters.target(parameter),
            None => Ok(None),
        };
        let (dweight, dbias) = (target(norm.weight)?, target(norm.bias)?);
        if dx.is_none() && dweight.is_none() && dbias.is_none() {
            return Ok(());
        }
        let (weight, _guard) = read_option(norm.weight);
        let training = norm.uses_batch();
        let norm = Norm { mean: mean.f32(), var: var.f32(), eps: norm.eps as f32, weight, bias: None };
        scratch::with(2 * seen.channels, |parts: *mut f32| {
            // Where a gradient is there already, the new one is computed apart.
            let place = |target: super::super::parameters::Target, part: *mut f32| {
                if target.accumulate { part } else { target.ptr }
            };
            let second = parts.wrapping_add(seen.channels);
            let gradients = Gradients {
                x: x.f32(),
                dy: dz.f32(),
                training,
                dx: dx.map(|dx| dx.f32()),
                dweight: dweight.map(|target| place(target, parts)),
                dbias: dbias.map(|target| place(target, second)),
            };
            // SAFETY: buffers of the pass of these sizes; the gradients have the parameters' shapes.
            unsafe {
                kernel::backward(isa(), seen, &norm, &gradients);
                for (target, part) in [(dweight, parts), (dbias, second)] {
                    if let Some(target) = target.filter(|target| target.accumulate) {
                        add_into(target.ptr, target.ptr, part, seen.channels);
                    }
                }
            }
        });
        Ok(())
    }

    /// `act(batch_norm(conv(x)) + residual)` for `x` of `shape` `[batch, channels, height, width]`. In inference, the
    /// normalisation is a part of the weights and of the bias.
    ///
    /// # Errors
    /// If the layer does not fit the shape; in training, if there is one value per channel.
    pub fn conv2d_norm(
        &mut self,
        x: Buf,
        shape: &[usize],
        layer: Conv<'_>,
        norm: ChannelNorm<'_>,
        residual: Option<Buf>,
        act: Act<'_>,
    ) -> Result<Buf> {
        let geometry = *self.fact(|| layer.geometry(shape))?;
        if self.recording || norm.uses_batch() {
            // The result that is wanted is that of the normalisation.
            let wanted = self.wanted.take();
            let z = self.conv2d(x, shape, layer, None)?;
            self.wanted = wanted;
            let y = self.batch_norm(z, &layer.output(&geometry), norm, residual, act)?;
            self.release(z);
            return Ok(y);
        }
        norm.check_eps()?;
        let y = self.result(numel(&layer.output(&geometry)), false);
        if !self.planning {
            let activation = act.and_then(|(op, _)| fused(op)).unwrap_or_default();
            let (_w, _guard) = read(layer.weight);
            let folded = fold(&geometry, layer, &norm);
            let residual = residual.map(|residual| residual.f32().cast_const());
            let epilogue = Epilogue { bias: Some(folded.1.shift.as_ptr()), residual, activation };
            let (x, packed) = (x.f32().cast_const(), folded.1.packed.as_ptr());
            // SAFETY: buffers of the pass of the geometry's sizes; the weights were packed for it.
            unsafe { conv::forward_packed(isa(), &geometry, x, packed, &epilogue, Target::Plain(y.f32())) };
        }
        Ok(y)
    }

    /// The gradient of [`Pass::conv2d_norm`]; `into` are those of the input and of the residual, if there is one.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn conv2d_norm_backward(
        &mut self,
        g: Grad,
        shape: &[usize],
        layer: Conv<'_>,
        norm: ChannelNorm<'_>,
        act: Act<'_>,
        into: (&mut Grad, Option<&mut Grad>),
    ) -> Result<()> {
        let geometry = *self.fact(|| layer.geometry(shape))?;
        let (into, residual) = into;
        let mut dz: Grad = None;
        self.batch_norm_backward(g, &layer.output(&geometry), norm, act, (&mut dz, residual))?;
        self.conv2d_backward(dz, shape, layer, None, into)?;
        self.release_grad(dz);
        Ok(())
    }
}

/// A convolution and the normalisation after it as one convolution.
struct Folded {
    packed: Vec<f32>,
    shift: Vec<f32>,
    /// Keeps the memory that the key refers to from becoming another tensor's.
    _norm: [Option<Tensor>; 5],
}

/// What it depends on besides the contents of the weight.
#[derive(PartialEq)]
struct Key {
    geometry: conv::Conv2d,
    start: usize,
    bias: Option<(usize, u64)>,
    norm: [Option<(usize, u64)>; 4],
    eps: u64,
}

/// The folded convolution, which stays with the weight's storage. The weight is locked for reading.
fn fold(geometry: &conv::Conv2d, layer: Conv<'_>, norm: &ChannelNorm<'_>) -> std::sync::Arc<(Key, Folded)> {
    let weight = layer.weight;
    let bias = layer.bias;
    let key = Key {
        geometry: *geometry,
        start: weight.host_ptr() as usize,
        bias: bias.map(|bias| (bias.host_ptr() as usize, bias.version())),
        norm: norm.state(),
        eps: norm.eps.to_bits(),
    };
    weight.storage().derived(key, || {
        let channels = geometry.out_channels;
        let (mean, var) = norm.running.unzip();
        let vectors = [norm.weight, norm.bias, mean, var, bias];
        let vector = |at: usize, default: f32| -> Vec<f32> {
            let (ptr, _guard) = read_option(vectors[at]);
            let Some(ptr) = ptr else { return vec![default; channels] };
            // SAFETY: a value per channel, as was checked when the pass began; the vector is locked.
            unsafe { std::slice::from_raw_parts(ptr, channels) }.to_vec()
        };
        let (factor, summand, mean, var) = (vector(0, 1.0), vector(1, 0.0), vector(2, 0.0), vector(3, 1.0));
        let bias = vector(4, 0.0);
        let scale: Vec<f32> =
            factor.iter().zip(&var).map(|(factor, var)| factor / (var + norm.eps as f32).sqrt()).collect();
        let shift = (0..channels).map(|c| (bias[c] - mean[c]) * scale[c] + summand[c]).collect();
        let len = weight.numel();
        // SAFETY: the weight is contiguous and locked.
        let from = unsafe { std::slice::from_raw_parts(weight.host_ptr().cast::<f32>().cast_const(), len) };
        let per_channel = len / channels.max(1);
        let scaled: Vec<f32> =
            from.iter().enumerate().map(|(at, value)| value * scale[at / per_channel]).collect();
        let mut packed = vec![0.0; conv::packed_len::<f32>(isa(), geometry, Direction::Forward)];
        // SAFETY: the geometry's weights; the vector has the room that was asked for.
        unsafe { conv::pack(isa(), geometry, Direction::Forward, scaled.as_ptr(), packed.as_mut_ptr()) };
        Folded { packed, shift, _norm: vectors.map(|tensor| tensor.cloned()) }
    })
}
