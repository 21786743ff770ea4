//! Images of another size, and pixels that become channels.

use std::sync::Arc;

use rustorch_shape::rules;

use super::adaptive_avg_pool2d;
use crate::kernels::resample::Taps;
use crate::layout::Dims;
use crate::ops::resample::{resample, resamples};
use crate::{Error, Result, Tensor};

/// What size an image is to have.
#[derive(Clone, Debug, PartialEq)]
pub enum Resize {
    /// These sizes along the spatial axes; a single one holds for all.
    Size(Vec<usize>),
    /// The sizes times these factors, rounded down; a single one holds for all.
    Scale(Vec<f64>),
}

/// Where the elements of a resized image come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InterpolateMode {
    /// The nearest position before, `⌊i·in/out⌋`.
    #[default]
    Nearest,
    /// The nearest position, `⌊(i + ½)·in/out⌋`.
    NearestExact,
    /// The two positions around, of sequences, weighted by their distance.
    Linear,
    /// The four positions around, of images.
    Bilinear,
    /// The eight positions around, of volumes.
    Trilinear,
    /// The mean of the positions that fall on the element.
    Area,
}

impl InterpolateMode {
    const ALL: [Self; 6] =
        [Self::Nearest, Self::NearestExact, Self::Linear, Self::Bilinear, Self::Trilinear, Self::Area];

    /// The mode of PyTorch's name: "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "area".
    ///
    /// # Errors
    /// If there is none of that name.
    #[inline]
    pub fn of(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(|mode| format!("{:?}", mode.name())).join(", ");
            Error::argument(OP, format!("mode is {name:?}, expected one of {names}"))
        })
    }

    /// PyTorch's name of the mode.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::NearestExact => "nearest-exact",
            Self::Linear => "linear",
            Self::Bilinear => "bilinear",
            Self::Trilinear => "trilinear",
            Self::Area => "area",
        }
    }
}

const OP: &str = "interpolate";

/// `[batch, channels, spatial ..] → [batch, channels, size ..]` with one to three spatial axes
/// (`torch.nn.functional.interpolate`). With linear modes, element `i` comes from `(i + ½)·in/out - ½`, or with `align_corners`
/// from `i·(in - 1)/(out - 1)`, so that the outermost positions stay. Of factors, `1/factor` takes the place of `in/out`, also
/// where the size was rounded down; PyTorch's `recompute_scale_factor=True` is to give the sizes. Along an axis that keeps its
/// size nothing moves in linear modes, whatever the factor. Halves are interpolated in single precision and rounded once.
///
/// # Errors
/// If the rank, the number of sizes or the mode do not fit together, an axis is or would be empty, a factor is not positive, corners
/// are to be aligned in a mode that knows none, or a mode other than the nearest ones is asked of integers.
///
/// ```
/// use rustorch::{Tensor, nn::functional::{self as F, InterpolateMode, Resize}};
/// let x = Tensor::from([[[1.0f32, 3.0]]]);
/// let near = F::interpolate(&x, &Resize::Scale(vec![2.0]), InterpolateMode::Nearest, false)?;
/// assert_eq!(near.to_vec::<f32>()?, [1.0, 1.0, 3.0, 3.0]);
/// let between = F::interpolate(&x, &Resize::Size(vec![3]), InterpolateMode::Linear, true)?;
/// assert_eq!(between.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn interpolate(
    input: &Tensor,
    resize: &Resize,
    mode: InterpolateMode,
    align_corners: bool,
) -> Result<Tensor> {
    let shape = resized(input, resize)?;
    rules::interpolation_mode(OP, mode.name(), align_corners, input.shape())?;
    let dtype = input.dtype();
    let is_nearest = matches!(mode, InterpolateMode::Nearest | InterpolateMode::NearestExact);
    if !is_nearest && !dtype.is_float() {
        return Err(Error::DType { op: OP, dtype, expected: "a floating-point dtype" });
    }
    if shape.contains(&0) {
        return input.without_elements(&shape);
    }
    // Where the result does not fit into memory, the positions along its axes may not either.
    Tensor::uninit(&shape, dtype, input.device())?;
    // Going forward, the nearest modes only copy; their gradients are sums.
    let adds = dtype.is_float() && (!is_nearest || input.requires_grad());
    let mut result = if adds { input.to_dtype(dtype.compute()) } else { input.clone() };
    if mode == InterpolateMode::Area {
        return Ok(area(&result, &shape[2..])?.to_dtype(dtype));
    }
    for (axis, &to) in shape.iter().enumerate().skip(2) {
        let by = match resize {
            Resize::Scale(factors) => Some(factor(factors, axis - 2)),
            Resize::Size(_) => None,
        };
        if let Some(taps) = taps(mode, align_corners, (input.shape()[axis], to), by, shape.len() - 2) {
            result = match resamples(&result) {
                true => resample(&result, axis, &Arc::new(taps))?,
                false => along(&result, axis, &taps)?,
            };
        }
    }
    // The result never is the input itself, which it would change with.
    Ok(if shape == input.shape() && result.dtype() == dtype { result.copy() } else { result.to_dtype(dtype) })
}

fn factor(factors: &[f64], axis: usize) -> f64 {
    if factors.len() == 1 { factors[0] } else { factors[axis] }
}

/// The shape of the result.
fn resized(input: &Tensor, resize: &Resize) -> Result<Vec<usize>> {
    let factors = match resize {
        Resize::Size(sizes) => return Ok(rules::interpolate(OP, input.shape(), sizes, &[], &mut ())?),
        Resize::Scale(factors) => factors,
    };
    if let Some(wrong) = factors.iter().find(|factor| !(**factor > 0.0 && factor.is_finite())) {
        return Err(Error::argument(
            OP,
            format!("scale_factor is {wrong}, expected a finite number above 0"),
        ));
    }
    // The rule checks how many there are, and that nothing is empty.
    let sizes: Vec<usize> = match input.shape() {
        [_, _, spatial @ ..] if factors.len() == 1 || factors.len() == spatial.len() => {
            let scaled =
                |(axis, size): (usize, &usize)| (*size as f64 * factor(factors, axis)).floor() as usize;
            spatial.iter().enumerate().map(scaled).collect()
        }
        _ => vec![1; factors.len()],
    };
    Ok(rules::interpolate(OP, input.shape(), &sizes, &[], &mut ())?)
}

/// Where the elements along an axis come from in any mode but [`InterpolateMode::Area`]; `None` where nothing moves. `factor` is
/// what the size was multiplied by, if that was given.
pub(crate) fn taps(
    mode: InterpolateMode,
    align_corners: bool,
    (from, to): (usize, usize),
    factor: Option<f64>,
    spatial: usize,
) -> Option<Taps> {
    let step = factor.map_or(from as f64 / to as f64, |factor| 1.0 / factor);
    if matches!(mode, InterpolateMode::Nearest | InterpolateMode::NearestExact) {
        let first = nearest(mode, (from, to), step as f32, spatial);
        return (!first.iter().copied().eq(0..from)).then_some(Taps { from, first, second: None });
    }
    let last = from - 1;
    let place = |at: usize| match align_corners {
        true if to > 1 => at as f64 * (last as f64 / (to - 1) as f64),
        true => 0.0,
        false => ((at as f64 + 0.5) * step - 0.5).max(0.0),
    };
    let (first, second) = (0..to)
        .map(|at| {
            let place = place(at);
            let first = (place.floor() as usize).min(last);
            (first, ((first + 1).min(last), (place - first as f64).clamp(0.0, 1.0)))
        })
        .unzip();
    (from != to).then_some(Taps { from, first, second: Some(second) })
}

/// Positions in single precision, as PyTorch has them: where they fall on a whole number, rounding decides. Along the axes of images
/// PyTorch takes the position itself, or half of it, where the size stays or doubles, whatever the factor was.
fn nearest(mode: InterpolateMode, (from, to): (usize, usize), step: f32, spatial: usize) -> Vec<usize> {
    let is_exact = mode == InterpolateMode::NearestExact;
    let shift = if is_exact { 0.5 } else { 0.0 };
    let by_size = spatial == 2 && !is_exact;
    let position = |at: usize| match at {
        at if by_size && to == from => at,
        at if by_size && to == 2 * from => at / 2,
        at => (((at as f32 + shift) * step).floor() as usize).min(from - 1),
    };
    (0..to).map(position).collect()
}

/// The elements along an axis from where `taps` says, by operations that every device and dtype has.
fn along(x: &Tensor, axis: usize, taps: &Taps) -> Result<Tensor> {
    let select = |positions: Vec<i64>| {
        let count = positions.len();
        x.index_select(axis as isize, &Tensor::from_vec(positions, [count])?.to_device(x.device())?)
    };
    let first = select(taps.first.iter().map(|&at| at as i64).collect())?;
    let Some(second) = &taps.second else { return Ok(first) };
    let mut shape = vec![1; x.rank()];
    shape[axis] = second.len();
    let weights: Vec<f64> = second.iter().map(|(_, weight)| *weight).collect();
    let weights = Tensor::from_vec(weights, shape)?.to_dtype(x.dtype()).to_device(x.device())?;
    let second = select(second.iter().map(|&(at, _)| at as i64).collect())?;
    first.mul(&weights.neg().add(1.0)?)?.add(&second.mul(&weights)?)
}

/// Means over windows side by side; of volumes, over height and width first, since the windows are boxes.
fn area(x: &Tensor, size: &[usize]) -> Result<Tensor> {
    match (x.shape(), size) {
        (&[..], &[length]) => adaptive_avg_pool2d(&x.unsqueeze(2)?, [Some(1), Some(length)])?.squeeze(2),
        (&[..], &[height, width]) => adaptive_avg_pool2d(x, [Some(height), Some(width)]),
        (&[n, c, d, h, w], &[depth, height, width]) => {
            let planes = adaptive_avg_pool2d(&x.reshape([n, c * d, h, w])?, [Some(height), Some(width)])?;
            let columns = planes.reshape([n, c, d, height * width])?;
            adaptive_avg_pool2d(&columns, [Some(depth), None])?.reshape([n, c, depth, height, width])
        }
        _ => Err(Error::argument(OP, "an image has one to three spatial axes")),
    }
}

/// `[.., channels·r², h, w] → [.., channels, h·r, w·r]`: every `r²` channels become the pixels of a square
/// (`torch.nn.functional.pixel_shuffle`; Shi et al. 2016).
///
/// # Errors
/// If the rank is less than 3, `upscale_factor` is 0, or the channels cannot be divided by its square.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[[1.0f32]], [[2.0]], [[3.0]], [[4.0]]]);
/// assert_eq!(F::pixel_shuffle(&x, 2)?.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(F::pixel_shuffle(&x, 2)?.shape(), [1, 2, 2]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn pixel_shuffle(input: &Tensor, upscale_factor: usize) -> Result<Tensor> {
    let shape = rules::pixel_shuffle(input.shape(), &upscale_factor, &mut ())?;
    shuffle(input, upscale_factor, false)?.reshape(shape)
}

/// `[.., channels, h·r, w·r] → [.., channels·r², h, w]`, the inverse of [`pixel_shuffle`]
/// (`torch.nn.functional.pixel_unshuffle`).
///
/// # Errors
/// If the rank is less than 3, or `downscale_factor` is 0 or does not divide height and width.
///
/// ```
/// use rustorch::{Tensor, nn::functional as F};
/// let x = Tensor::from([[[1.0f32, 2.0], [3.0, 4.0]]]);
/// assert_eq!(F::pixel_unshuffle(&x, 2)?.shape(), [4, 1, 1]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn pixel_unshuffle(input: &Tensor, downscale_factor: usize) -> Result<Tensor> {
    let shape = rules::pixel_unshuffle(input.shape(), &downscale_factor, &mut ())?;
    shuffle(input, downscale_factor, true)?.reshape(shape)
}

#[inline]
fn shuffle(input: &Tensor, factor: usize, to_channels: bool) -> Result<Tensor> {
    let (split, order) = shuffled(input.shape(), factor, to_channels);
    let order: Vec<isize> = order.iter().map(|&axis| axis as isize).collect();
    input.reshape(split.as_slice())?.permute(order)
}

/// What channels have to be split into so that pixels come out of a permutation of the axes, and that permutation; `to_channels` for
/// the reverse.
#[inline]
pub(crate) fn shuffled(shape: &[usize], r: usize, to_channels: bool) -> (Dims, Dims) {
    let leads = shape.len() - 3;
    let [channels, height, width] = [0, 1, 2].map(|axis| shape[leads + axis]);
    let (sizes, order) = match to_channels {
        // [.., c, r, r, h, w] → [.., c, h, r, w, r]
        false => ([channels / (r * r), r, r, height, width], [0, 3, 1, 4, 2]),
        // [.., c, h, r, w, r] → [.., c, r, r, h, w]
        true => ([channels, height / r, r, width / r, r], [0, 2, 4, 1, 3]),
    };
    let mut split = Dims::from_slice(&shape[..leads]);
    split.extend(sizes);
    (split, (0..leads).chain(order.map(|axis| leads + axis)).collect())
}
