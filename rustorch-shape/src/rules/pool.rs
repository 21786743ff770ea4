//! Pooling over any number of spatial axes.

use super::conv::Window;
use super::{fits, leading_axes, require};
use crate::error::{Result, ShapeError};
use crate::size::{Relation, Size, Truth};

/// How a pooling window moves; one entry per spatial axis.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions<'a, S> {
    /// The size of the window.
    pub kernel: &'a [S],
    /// Its steps.
    pub stride: &'a [S],
    /// What is added on either side: at most half the kernel.
    pub padding: &'a [S],
    /// The distance between the elements of the window.
    pub dilation: &'a [S],
    /// Whether a last, incomplete window counts, if it begins inside the input or its left padding.
    pub ceil_mode: bool,
}

/// `[.., spatial ..] -> [.., spatial ..]`, each spatial size becoming
/// `(size + 2*padding - dilation*(kernel - 1) - 1) / stride + 1`, rounded up in `ceil_mode`.
/// One or two axes, channels and batch, may stand before the spatial ones.
///
/// # Errors
/// When the rank does not fit, a kernel, stride or dilation is 0, the padding is more than half the
/// kernel, or the window is larger than the padded input.
pub fn pool<S: Size>(
    op: &'static str,
    input: &[S],
    options: PoolOptions<'_, S>,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let spatial = options.kernel.len();
    let leading = leading_axes(op, input, spatial)?;
    let mut shape = input[..leading].to_vec();
    for axis in 0..spatial {
        let (kernel, padding) = (&options.kernel[axis], &options.padding[axis]);
        let window = Window {
            op,
            axis: leading + axis,
            size: &input[leading + axis],
            kernel,
            stride: &options.stride[axis],
            dilation: &options.dilation[axis],
        };
        let twice = fits(op, padding.plus(padding), || format!("padding {padding}"))?;
        window.reach(claims)?;
        require(claims, kernel, Relation::AtLeast, &twice, || {
            let message = format!(
                "padding {padding} is more than half the kernel of {kernel}: a window would see only padding"
            );
            ShapeError::argument(op, "padding", message)
        })?;
        shape.push(if options.ceil_mode {
            rounded_up(&window, padding, claims)?
        } else {
            window.output(padding, claims)?
        });
    }
    Ok(shape)
}

/// What averages are divided by instead of the size of their window.
///
/// # Errors
/// When it is 0.
pub fn pool_divisor<S: Size>(op: &'static str, divisor: &S, claims: &mut S::Claims) -> Result<()> {
    require(claims, divisor, Relation::AtLeast, &S::constant(1), || {
        let message = format!("`divisor_override` is {divisor}, but averages are divided by it: at least 1");
        ShapeError::argument(op, "divisor_override", message)
    })
}

/// `[.., spatial ..] -> [.., output ..]`, where `None` keeps a size.
///
/// # Errors
/// When the rank does not fit, or an input axis is empty while its output is not.
pub fn adaptive_pool<S: Size>(
    op: &'static str,
    input: &[S],
    output: &[Option<S>],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let leading = leading_axes(op, input, output.len())?;
    let mut shape = input[..leading].to_vec();
    for (axis, size) in (leading..).zip(output) {
        let Some(size) = size else {
            shape.push(input[axis].clone());
            continue;
        };
        if !size.is(0) {
            require(claims, &input[axis], Relation::AtLeast, &S::constant(1), || {
                let message =
                    format!("axis {axis} of the input is {}, so there is nothing to pool", input[axis]);
                ShapeError::input(op, 0, message).at_axis(axis)
            })?;
        }
        shape.push(size.clone());
    }
    Ok(shape)
}

fn rounded_up<S: Size>(window: &Window<'_, S>, padding: &S, claims: &mut S::Claims) -> Result<S> {
    let op = window.op;
    let too_large = || format!("axis {} of the result", window.axis);
    let (reach, one) = (window.reach(claims)?, S::constant(1));
    // The first window may be incomplete as well.
    let step = fits(op, window.stride.minus(&one), too_large)?;
    let steps = window.room_beyond(padding, &step, claims)?.over(window.stride);
    let steps = fits(op, steps, too_large)?;
    // The last window may begin beyond the input and its left padding only if it is narrower than a
    // step (with padding added); such a window is dropped.
    let always_inside = fits(op, window.stride.plus(padding), too_large)?;
    if reach.holds(Relation::AtLeast, &always_inside) == Truth::True {
        return fits(op, steps.plus(&one), too_large);
    }
    let start = fits(op, steps.times(window.stride), too_large)?;
    let limit = fits(op, window.size.plus(padding), too_large)?;
    match start.holds(Relation::AtLeast, &limit) {
        Truth::True => Ok(steps),
        Truth::False => fits(op, steps.plus(&one), too_large),
        Truth::Unknown => {
            let message = format!(
                "whether the last window over axis {} (size {}) begins inside it depends on the sizes; leave out ceil_mode or use numbers",
                window.axis, window.size
            );
            Err(ShapeError::argument(op, "ceil_mode", message).at_axis(window.axis))
        }
    }
}
