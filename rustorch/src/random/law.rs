//! What random tensors are made of: a distribution, filled into fresh or existing memory of any dtype.

use std::mem::MaybeUninit;

use super::Generator;
use crate::autograd::{Ctx, Grads, check_inplace, overwritten, record_inplace};
use crate::kernels::random::{
    self, Bernoulli, Distribution, Integers, Mapped, Normal, Stream, UniformF32, UniformF64,
};
use crate::layout::Layout;
use crate::ops::elementwise::copy_elements_into;
use crate::storage::lock_for_write;
use crate::{DType, Device, Error, Result, Tensor};

/// A distribution, before a dtype makes it numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Law {
    /// From `low` up to but without `high`.
    Uniform {
        low: f64,
        high: f64,
    },
    Normal {
        mean: f64,
        std: f64,
    },
    /// From `low` up to but without `low + span`.
    Integers {
        low: i64,
        span: u64,
    },
    Bernoulli {
        probability: f64,
    },
    /// The inverse of a distribution function, and its parameters.
    Inverse(fn(f64, [f64; 2]) -> f64, [f64; 2]),
}

impl Law {
    /// The dtype in which numbers for a tensor of `dtype` are drawn before they are converted.
    fn drawn_as(self, op: &'static str, dtype: DType) -> Result<DType> {
        let drawn = match (self, dtype) {
            (Self::Integers { .. }, _) => DType::I64,
            (Self::Bernoulli { .. }, _) => DType::Bool,
            (Self::Uniform { .. } | Self::Normal { .. }, DType::F16 | DType::BF16 | DType::F32) => DType::F32,
            (Self::Uniform { .. } | Self::Normal { .. } | Self::Inverse(..), _) => DType::F64,
        };
        if drawn.is_float() && !dtype.is_float() {
            return Err(Error::DType { op, dtype, expected: "a floating-point dtype" });
        }
        Ok(drawn)
    }

    /// Fills contiguous memory of the dtype that [`Law::drawn_as`] chose, for a tensor of `dtype`.
    ///
    /// # Safety
    /// The tensor's memory must be locked for writing, or be the caller's alone.
    unsafe fn fill(self, drawn: &Tensor, dtype: DType, stream: Stream) {
        match self {
            Self::Uniform { low, high } if drawn.dtype() == DType::F32 => {
                let bits = match dtype {
                    DType::F16 => 11,
                    DType::BF16 => 8,
                    _ => 24,
                };
                let law = UniformF32 { low: low as f32, span: (high - low) as f32, bits };
                // SAFETY: as promised by the caller.
                unsafe { fill(drawn, stream, &law) }
            }
            // SAFETY: as promised by the caller.
            Self::Uniform { low, high } => unsafe {
                fill(drawn, stream, &UniformF64 { low, span: high - low })
            },
            Self::Normal { mean, std } if drawn.dtype() == DType::F32 => {
                // SAFETY: as promised by the caller.
                unsafe { fill(drawn, stream, &Normal { mean: mean as f32, std: std as f32 }) }
            }
            // SAFETY: as promised by the caller.
            Self::Normal { mean, std } => unsafe { fill(drawn, stream, &Normal { mean, std }) },
            // SAFETY: as promised by the caller.
            Self::Integers { low, span } => unsafe { fill(drawn, stream, &Integers { low, span }) },
            // SAFETY: as promised by the caller.
            Self::Bernoulli { probability } => unsafe { fill(drawn, stream, &Bernoulli { probability }) },
            // SAFETY: as promised by the caller.
            Self::Inverse(f, params) => unsafe { fill(drawn, stream, &Mapped(|u| f(u, params))) },
        }
    }
}

/// # Safety
/// The tensor is contiguous, of the distribution's element type, and locked for writing or the caller's alone.
unsafe fn fill<D: Distribution<N>, const N: usize>(target: &Tensor, stream: Stream, law: &D) {
    debug_assert_eq!(target.dtype().size(), size_of::<D::Item>());
    let start = target.host_ptr().cast::<MaybeUninit<D::Item>>();
    // SAFETY: as many elements of this type lie there.
    random::fill(stream, 0, law, unsafe { std::slice::from_raw_parts_mut(start, target.numel()) });
}

/// Fills memory with the next numbers of the default generator, as a tensor of `F32` would get them: of the normal distribution.
///
/// # Safety
/// `len` elements there are the caller's alone.
pub(crate) unsafe fn draw_normal(to: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<f32>>(), len) };
    random::fill(super::reserve(len), 0, &Normal { mean: 0.0f32, std: 1.0 }, to);
}

/// The same from `low` up to but without `high`.
///
/// # Safety
/// As there.
pub(crate) unsafe fn draw_uniform([low, high]: [f64; 2], to: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<f32>>(), len) };
    let law = UniformF32 { low: low as f32, span: (high - low) as f32, bits: 24 };
    random::fill(super::reserve(len), 0, &law, to);
}

/// A new tensor of numbers of a distribution. The parts of complex numbers are drawn as floats are.
pub(super) fn draw(
    law: Law,
    op: &'static str,
    shape: &[usize],
    dtype: DType,
    device: Device,
    generator: &Generator,
) -> Result<Tensor> {
    if dtype.is_complex() {
        let parts: Vec<usize> = shape.iter().copied().chain([2]).collect();
        let law = match law {
            // The parts share the variance.
            Law::Normal { mean, std } => Law::Normal { mean, std: std * std::f64::consts::FRAC_1_SQRT_2 },
            other => other,
        };
        return Ok(paired(draw(law, op, &parts, dtype.to_real(), device, generator)?));
    }
    if !device.is_cpu() {
        // The CPU's numbers, moved: a seed gives the same ones on every device, to the last bit.
        return draw(law, op, shape, dtype, Device::Cpu, generator)?.to_device(device);
    }
    let drawn_as = law.drawn_as(op, dtype)?;
    let drawn = Tensor::uninit(shape, drawn_as, device)?;
    // SAFETY: the tensor is new, contiguous and of the right dtype.
    unsafe { law.fill(&drawn, dtype, generator.reserve(drawn.numel())) };
    Ok(drawn.to_dtype(dtype))
}

/// Overwrites a tensor with numbers of a distribution.
pub(super) fn draw_into(
    law: Law,
    op: &'static str,
    target: &Tensor,
    generator: &Generator,
) -> Result<Tensor> {
    let before = check_inplace(op, target, &[])?;
    let dtype = target.dtype();
    if target.device().is_cpu()
        && target.is_contiguous()
        && law.drawn_as(op, dtype).is_ok_and(|drawn| drawn == dtype)
    {
        let stream = generator.reserve(target.numel());
        let _guard = lock_for_write(target.storage(), &[]);
        // SAFETY: contiguous, of the right dtype, and locked.
        unsafe { law.fill(target, dtype, stream) };
    } else {
        copy_elements_into(&draw(law, op, target.shape(), dtype, target.device(), generator)?, target)?;
    }
    let overwritten = overwritten(target);
    let zeros = move |ctx: &Ctx<'_>| Ok(Grads::from_iter([overwritten(ctx)?]));
    record_inplace(op, target, before, || Box::new(zeros))?;
    Ok(target.clone())
}

/// Pairs of floats along the last axis as complex numbers.
fn paired(parts: Tensor) -> Tensor {
    let layout = Layout::contiguous(&parts.shape()[..parts.rank() - 1]);
    Tensor::from_parts(parts.storage().clone(), layout, parts.dtype().to_complex())
}
