//! What pooling over one, two and three axes shares. Kernels pool planes; a sequence is a plane of height 1, and of volumes the
//! planes are pooled first and then the depth, which gives the same windows: the greatest of maxima, and the average of
//! averages, since a window has as many elements in each of its planes.

use rustorch_shape::rules::{self, PoolOptions as Rule};

use super::{AvgPoolOptions, MaxPoolOptions};
use crate::kernels::pooling::{Axis, Window};
use crate::ops::pooling::{self, Windows, adaptive_windows, windows};
use crate::{DType, Error, Result, Tensor, no_grad};

/// The windows along one axis.
struct Along {
    windows: Vec<Window>,
    dilation: usize,
    /// Where they come from, if they lie at regular distances.
    axis: Option<Axis>,
}

impl Along {
    /// Each of `size` elements alone.
    fn each(size: usize) -> Self {
        let windows = (0..size).map(|start| Window { start, taps: 1, extent: 1 }).collect();
        Self { windows, dilation: 1, axis: Some(Axis { kernel: 1, stride: 1, padding: 0 }) }
    }
}

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
    let (output, places) = maxima(op, &input, regular::<N>(&input, &shape, rule, false), wanted)?;
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
    let along = regular::<N>(&input, &shape, rule, count_include_pad);
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

/// The windows of adaptive pooling, outermost axis first.
fn adaptive<const N: usize>(input: &Tensor, shape: &[usize]) -> Result<[Along; N]> {
    let first = input.rank() - N;
    // Where one image of the result does not fit, its windows do not either.
    Tensor::uninit(&shape[first..], input.dtype(), input.device())?;
    Ok(std::array::from_fn(|axis| {
        let windows = adaptive_windows(input.shape()[first + axis], shape[first + axis]);
        Along { windows, dilation: 1, axis: None }
    }))
}

/// Windows at regular distances, outermost axis first, for an output of this shape.
fn regular<const N: usize>(
    input: &Tensor,
    output: &[usize],
    rule: Rule<'_, usize>,
    include_padding: bool,
) -> [Along; N] {
    let first = input.rank() - N;
    std::array::from_fn(|axis| {
        let (size, count) = (input.shape()[first + axis], output[first + axis]);
        let [kernel, stride, padding, dilation] =
            [rule.kernel, rule.stride, rule.padding, rule.dilation].map(|sizes| sizes[axis]);
        let dilation = if kernel > 1 { dilation } else { 1 };
        let windows = windows(size, count, kernel, stride, padding, dilation, include_padding);
        // Behind a single window nothing follows, so a stride beyond the axis must not cost memory.
        let stride = if count > 1 { stride } else { 1 };
        // Nor must windows that are mostly padding, whose taps would all be listed.
        let axis = (padding <= size).then_some(Axis { kernel, stride, padding });
        Along { windows, dilation, axis }
    })
}

/// The input as planes, the windows of these, and those of the axes before, outermost first.
fn planes<const N: usize>(
    op: &'static str,
    input: &Tensor,
    along: [Along; N],
) -> Result<(Tensor, Windows, Vec<Along>)> {
    let mut outer = Vec::from(along);
    let columns = outer.pop().expect("there is an axis");
    let (input, rows) = match outer.pop() {
        Some(rows) => (input.clone(), rows),
        None => (input.unsqueeze(-2)?, Along::each(1)),
    };
    let windows = of_plane(op, &input, rows, columns);
    Ok((input, windows, outer))
}

fn of_plane(op: &'static str, input: &Tensor, rows: Along, columns: Along) -> Windows {
    Windows {
        op,
        size: [input.rank() - 2, input.rank() - 1].map(|axis| input.shape()[axis]),
        dilation: [rows.dilation, columns.dilation],
        divisor: None,
        axes: rows.axis.zip(columns.axis).map(|(rows, columns)| [rows, columns]),
        rows: rows.windows,
        columns: columns.windows,
    }
}

/// The shape of a result: `input`'s with as many elements along its last axes as there are windows.
fn pooled<const N: usize>(input: &Tensor, along: &[Along; N]) -> Vec<usize> {
    let leading = input.shape()[..input.rank() - N].iter().copied();
    leading.chain(along.iter().map(|along| along.windows.len())).collect()
}

/// Maxima, and their places as `I64` if `wanted`, else no elements.
fn maxima<const N: usize>(
    op: &'static str,
    input: &Tensor,
    along: [Along; N],
    wanted: bool,
) -> Result<(Tensor, Tensor)> {
    let shape = pooled(input, &along);
    let (input, windows, outer) = planes(op, input, along)?;
    // How many elements a place counts beyond one step of the axis that comes next.
    let mut inner: usize = windows.size.iter().product();
    let (mut output, mut places) = greatest(&input, windows, wanted)?;
    for along in outer.into_iter().rev() {
        let lines = output.flatten(-2, -1)?;
        let width = lines.shape()[lines.rank() - 1];
        let windows = of_plane(op, &lines, along, Along::each(width));
        let depth = windows.size[0];
        let (greatest, steps) = greatest(&lines, windows, wanted)?;
        output = greatest;
        if wanted && output.numel() > 0 {
            places = no_grad(|| {
                let steps = steps.floor_divide(width as i64)?;
                places.flatten(-2, -1)?.gather(-2, &steps)?.add(&steps.mul(inner as i64)?)
            })?;
        }
        inner *= depth;
    }
    let places = if wanted { places.reshape(shape.as_slice())? } else { places };
    Ok((output.reshape(shape)?, places))
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
fn averages<const N: usize>(
    op: &'static str,
    input: &Tensor,
    along: [Along; N],
    divisor: Option<usize>,
) -> Result<Tensor> {
    let shape = pooled(input, &along);
    // Integers are divided once, at the end.
    let counts = match divisor {
        None if input.dtype() == DType::I64 && N > 2 => Some(elements(&along)?),
        _ => None,
    };
    let sums = counts.is_some().then_some(1);
    let (input, mut windows, outer) = planes(op, input, along)?;
    windows.divisor = if outer.is_empty() { divisor.or(sums) } else { divisor.or(sums).and(Some(1)) };
    let mut output = pooling::avg_pool(&input, windows)?;
    let last = outer.len().saturating_sub(1);
    for (number, along) in outer.into_iter().rev().enumerate() {
        let lines = output.flatten(-2, -1)?;
        let width = lines.shape()[lines.rank() - 1];
        let mut windows = of_plane(op, &lines, along, Along::each(width));
        windows.divisor = if number == last { divisor.or(sums) } else { divisor.or(sums).and(Some(1)) };
        output = pooling::avg_pool(&lines, windows)?;
    }
    let output = output.reshape(shape)?;
    match counts {
        // Towards zero, as PyTorch rounds.
        Some(counts) => output.sub(&output.fmod(&counts)?)?.floor_divide(&counts),
        None => Ok(output),
    }
}

/// How many elements every window counts for.
fn elements<const N: usize>(along: &[Along; N]) -> Result<Tensor> {
    let mut counts = Tensor::ones_with([1; N], DType::I64);
    for (axis, along) in along.iter().enumerate() {
        let mut shape = [1; N];
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
