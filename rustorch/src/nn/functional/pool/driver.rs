//! What pooling over one, two and three axes shares, as poolings of planes ([`Stage`]).

use rustorch_shape::rules::{self, PoolOptions as Rule};

use super::{AvgPoolOptions, MaxPoolOptions};
use crate::ops::pooling::{self, Along, Stage, Windows};
use crate::{DType, Error, Result, Tensor, no_grad};

/// The greatest of every window, and their places if `wanted`.
pub(super) fn max_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    kernel: [usize; N],
    options: MaxPoolOptions<N>,
    wanted: bool,
) -> Result<(Tensor, Tensor)> {
    let (input, dtype) = if input.dtype().is_int() { exact(op, input)? } else { widen(op, input)? };
    let stride = options.stride.unwrap_or(kernel);
    let MaxPoolOptions { padding, dilation, ceil_mode, .. } = options;
    let rule = Rule { kernel: &kernel, stride: &stride, padding: &padding, dilation: &dilation, ceil_mode };
    let shape = rules::pool(op, input.shape(), rule, &mut ())?;
    check_channels(op, &input, N)?;
    if shape.contains(&0) {
        return Ok((
            input.without_elements(&shape)?.to_dtype(dtype),
            Tensor::uninit(&shape, DType::I64, input.device())?,
        ));
    }
    let (output, places) = maxima(op, &input, Along::regular(input.shape(), &shape, rule, false), wanted)?;
    Ok((output.to_dtype(dtype), places))
}

/// The average of every window.
pub(super) fn avg_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    kernel: [usize; N],
    options: AvgPoolOptions<N>,
) -> Result<Tensor> {
    let integers = input.dtype() == DType::I64;
    let (input, dtype) = if integers { (input.clone(), DType::I64) } else { widen(op, input)? };
    let stride = options.stride.unwrap_or(kernel);
    let AvgPoolOptions { padding, ceil_mode, count_include_pad, divisor_override, .. } = options;
    if let Some(divisor) = &divisor_override {
        rules::pool_divisor(op, divisor, &mut ())?;
    }
    let rule = Rule { kernel: &kernel, stride: &stride, padding: &padding, dilation: &[1; N], ceil_mode };
    let shape = rules::pool(op, input.shape(), rule, &mut ())?;
    check_channels(op, &input, N)?;
    if shape.contains(&0) {
        return Ok(input.without_elements(&shape)?.to_dtype(dtype));
    }
    let along = Along::regular(input.shape(), &shape, rule, count_include_pad);
    Ok(averages(op, &input, along, divisor_override)?.to_dtype(dtype))
}

/// Averages over as many windows as there are outputs.
pub(super) fn adaptive_avg_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    output: [Option<usize>; N],
) -> Result<Tensor> {
    // As PyTorch does, of volumes alone.
    if N == 3 && input.rank() == N + 2 {
        check_channels(op, input, N)?;
    }
    let (input, dtype) = widen(op, input)?;
    let shape = rules::adaptive_pool(op, input.shape(), &output, &mut ())?;
    if shape.contains(&0) {
        return Ok(input.without_elements(&shape)?.to_dtype(dtype));
    }
    let along = adaptive::<N>(&input, &shape)?;
    Ok(averages(op, &input, along, None)?.to_dtype(dtype))
}

/// Maxima over as many windows as there are outputs, and their places if `wanted`.
pub(super) fn adaptive_max_pool<const N: usize>(
    op: &'static str,
    input: &Tensor,
    output: [Option<usize>; N],
    wanted: bool,
) -> Result<(Tensor, Tensor)> {
    if input.rank() == N + 2 {
        check_channels(op, input, N)?;
    }
    let (input, dtype) = widen(op, input)?;
    let shape = rules::adaptive_pool(op, input.shape(), &output, &mut ())?;
    if shape.contains(&0) {
        return Ok((
            input.without_elements(&shape)?.to_dtype(dtype),
            Tensor::uninit(&shape, DType::I64, input.device())?,
        ));
    }
    let along = adaptive::<N>(&input, &shape)?;
    let (output, places) = maxima(op, &input, along, wanted)?;
    Ok((output.to_dtype(dtype), places))
}

/// The windows of adaptive pooling.
fn adaptive<const N: usize>(input: &Tensor, shape: &[usize]) -> Result<Vec<Along>> {
    // Where one image of the result does not fit, its windows do not either.
    Tensor::uninit(&shape[input.rank() - N..], input.dtype(), input.device())?;
    Ok(Along::adaptive(input.shape(), shape, N))
}

/// The shape of a result: `input`'s with as many elements along its last axes as there are windows.
fn pooled(input: &Tensor, along: &[Along]) -> Vec<usize> {
    let leading = input.shape()[..input.rank() - along.len()].iter().copied();
    leading.chain(along.iter().map(|along| along.windows.len())).collect()
}

/// The tensor in another shape, unless it has it.
fn seen(tensor: Tensor, shape: &[usize]) -> Result<Tensor> {
    if tensor.shape() == shape { Ok(tensor) } else { tensor.reshape(shape) }
}

/// Maxima, and their places as `I64` if `wanted`, else no elements.
fn maxima(op: &'static str, input: &Tensor, along: Vec<Along>, wanted: bool) -> Result<(Tensor, Tensor)> {
    let shape = pooled(input, &along);
    let mut output = input.clone();
    // The places, and how many elements a step of the axis that comes next is.
    let mut found: Option<(Tensor, usize)> = None;
    for Stage { shape, windows } in Stage::all(op, input.shape(), along, None)? {
        let [depth, width] = windows.size;
        let (maxima, steps) = greatest(&seen(output, &shape)?, windows, wanted)?;
        output = maxima;
        found = Some(match found {
            None => (steps, depth * width),
            Some((_, inner)) if !wanted || output.numel() == 0 => (steps, inner),
            Some((places, inner)) => no_grad(|| {
                let steps = steps.floor_divide(width as i64)?;
                let places = seen(places, &shape)?.gather(-2, &steps)?;
                Ok::<_, Error>((places.add(&steps.mul(inner as i64)?)?, inner * depth))
            })?,
        });
    }
    let (places, _) = found.expect("there is a stage");
    let places = if wanted { seen(places, &shape)? } else { places };
    Ok((seen(output, &shape)?, places))
}

/// The maxima of planes.
fn greatest(input: &Tensor, windows: Windows, wanted: bool) -> Result<(Tensor, Tensor)> {
    if !wanted {
        return Ok((pooling::max_pool(input, windows)?, Tensor::zeros_with([0], DType::I64)));
    }
    let (output, places) = pooling::max_pool_with_places(input, windows)?;
    Ok((output, places.to_dtype(DType::I64)))
}

/// Averages, or sums divided by `divisor`.
fn averages(op: &'static str, input: &Tensor, along: Vec<Along>, divisor: Option<usize>) -> Result<Tensor> {
    let shape = pooled(input, &along);
    // Integers are divided once, at the end.
    let counts = match divisor {
        None if input.dtype() == DType::I64 && along.len() > 2 => Some(elements(&along)?),
        _ => None,
    };
    let divisor = divisor.or(counts.is_some().then_some(1));
    let mut output = input.clone();
    for Stage { shape, windows } in Stage::all(op, input.shape(), along, divisor)? {
        output = pooling::avg_pool(&seen(output, &shape)?, windows)?;
    }
    let output = seen(output, &shape)?;
    match counts {
        // Towards zero, as PyTorch rounds.
        Some(counts) => output.sub(&output.fmod(&counts)?)?.floor_divide(&counts),
        None => Ok(output),
    }
}

/// How many elements every window counts for.
fn elements(along: &[Along]) -> Result<Tensor> {
    let one = vec![1; along.len()];
    let mut counts = Tensor::ones_with(one.as_slice(), DType::I64);
    for (axis, along) in along.iter().enumerate() {
        let mut shape = one.clone();
        shape[axis] = along.windows.len();
        let extents: Vec<i64> = along.windows.iter().map(|window| window.extent as i64).collect();
        counts = counts.mul(&Tensor::from_vec(extents, shape)?)?;
    }
    Ok(counts)
}

/// Refuses images without channels, as PyTorch does; there may be no images.
fn check_channels(op: &'static str, input: &Tensor, spatial: usize) -> Result<()> {
    match input.rank().checked_sub(spatial + 1).map(|axis| input.shape()[axis]) {
        Some(0) => {
            let message = format!("there are no channels to pool in shape {:?}", input.shape());
            Err(Error::argument(op, message))
        }
        _ => Ok(()),
    }
}

/// Integers as `F64`, which compare as they do, and the dtype to return to.
fn exact(op: &'static str, input: &Tensor) -> Result<(Tensor, DType)> {
    const LIMIT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;
    let wide = input.to_dtype(DType::F64);
    if input.dtype() == DType::I64 && wide.abs().ge(LIMIT)?.any().item::<bool>()? {
        return Err(Error::argument(op, "an integer is 2^53 or more, beyond which they are not told apart"));
    }
    Ok((wide, input.dtype()))
}

/// Half precision as `F32`, and the dtype to return to.
fn widen(op: &'static str, input: &Tensor) -> Result<(Tensor, DType)> {
    let dtype = input.dtype();
    match dtype.is_float() {
        true => Ok((input.to_dtype(dtype.compute()), dtype)),
        false => Err(Error::DType { op, dtype, expected: "a floating-point dtype" }),
    }
}
