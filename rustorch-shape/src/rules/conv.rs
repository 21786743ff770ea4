//! Convolutions over any number of spatial axes.

use super::{count, fits, require, require_rank};
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// How a convolution moves; one entry per spatial axis.
#[derive(Clone, Copy, Debug)]
pub struct ConvOptions<'a, S> {
    /// The steps of the kernel.
    pub stride: &'a [S],
    /// What is added around the input.
    pub padding: Padding<'a, S>,
    /// The distance between the taps of the kernel.
    pub dilation: &'a [S],
    /// Into how many independent convolutions the channels are divided.
    pub groups: &'a S,
}

/// Padding on both sides of each spatial axis.
#[derive(Clone, Copy, Debug)]
pub enum Padding<'a, S> {
    /// This much on either side.
    Each(&'a [S]),
    /// As much as keeps the size; needs a stride of 1.
    Same,
    /// None.
    Valid,
}

/// How a transposed convolution moves; one entry per spatial axis.
#[derive(Clone, Copy, Debug)]
pub struct TransposeOptions<'a, S> {
    /// The distance between input elements in the output.
    pub stride: &'a [S],
    /// What is cut from either side.
    pub padding: &'a [S],
    /// What is added at the end: less than the stride or the dilation.
    pub output_padding: &'a [S],
    /// The distance between the taps of the kernel.
    pub dilation: &'a [S],
    /// Into how many independent convolutions the channels are divided.
    pub groups: &'a S,
}

/// `[batch, in, ..] -> [batch, out, ..]` (or without `batch`) by a weight of `[out, in / groups, ..]`,
/// each spatial size becoming `(size + 2*padding - dilation*(kernel - 1) - 1) / stride + 1`.
///
/// # Errors
/// When ranks, channels or groups do not fit, a kernel, stride or dilation is 0, or the kernel is
/// larger than the padded input.
pub fn conv<S: Size>(
    op: &'static str,
    input: &[S],
    weight: &[S],
    options: ConvOptions<'_, S>,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let spatial = options.stride.len();
    let channel_axis = ranks(op, input, weight, spatial)?;
    check_groups(op, &weight[0], "out_channels", options.groups, claims)?;
    let channels = fits(op, weight[1].times(options.groups), || "groups times the weight's channels".into())?;
    check_channels(op, input, channel_axis, weight, &channels, options.groups, claims)?;
    let mut shape = input[..channel_axis].to_vec();
    shape.push(weight[0].clone());
    for axis in 0..spatial {
        let window = Window {
            op,
            axis: channel_axis + 1 + axis,
            size: &input[channel_axis + 1 + axis],
            kernel: &weight[2 + axis],
            stride: &options.stride[axis],
            dilation: &options.dilation[axis],
        };
        shape.push(match options.padding {
            Padding::Each(padding) => window.output(&padding[axis], claims)?,
            Padding::Valid => window.output(&S::constant(0), claims)?,
            Padding::Same => window.same(claims)?,
        });
    }
    Ok(shape)
}

/// `[batch, in, ..] -> [batch, out, ..]` (or without `batch`) by a weight of `[in, out / groups, ..]`,
/// each size becoming `(size - 1)*stride - 2*padding + dilation*(kernel - 1) + output_padding + 1`.
///
/// # Errors
/// As [`conv`]; also when the output padding is not less than stride or dilation, or nothing is left.
pub fn conv_transpose<S: Size>(
    op: &'static str,
    input: &[S],
    weight: &[S],
    options: TransposeOptions<'_, S>,
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let spatial = options.stride.len();
    let channel_axis = ranks(op, input, weight, spatial)?;
    check_groups(op, &weight[0], "in_channels", options.groups, claims)?;
    check_channels(op, input, channel_axis, weight, &weight[0], options.groups, claims)?;
    let mut shape = input[..channel_axis].to_vec();
    shape.push(fits(op, weight[1].times(options.groups), || "groups times the weight's channels".into())?);
    for axis in 0..spatial {
        shape.push(transposed_size(op, input, weight, &options, channel_axis, axis, claims)?);
    }
    Ok(shape)
}

/// One spatial axis under a moving window: what convolution and pooling share.
pub(super) struct Window<'a, S> {
    pub op: &'static str,
    pub axis: usize,
    pub size: &'a S,
    pub kernel: &'a S,
    pub stride: &'a S,
    pub dilation: &'a S,
}

impl<S: Size> Window<'_, S> {
    /// The number of positions of the window.
    pub fn output(&self, padding: &S, claims: &mut S::Claims) -> Result<S> {
        let room = self.room(padding, claims)?;
        let steps = room.over(self.stride).and_then(|steps| steps.plus(&S::constant(1)));
        fits(self.op, steps, || format!("axis {} of the result", self.axis))
    }

    /// How far the window can move: padded size less window.
    pub fn room(&self, padding: &S, claims: &mut S::Claims) -> Result<S> {
        self.room_beyond(padding, &S::constant(0), claims)
    }

    /// [`Window::room`] where the window may reach so far beyond the padded axis.
    pub fn room_beyond(&self, padding: &S, beyond: &S, claims: &mut S::Claims) -> Result<S> {
        let reach = self.reach(claims)?;
        let padded = padding.plus(padding).and_then(|both| both.plus(self.size));
        let padded = fits(self.op, padded, || format!("axis {} with its padding", self.axis))?;
        let all = fits(self.op, padded.plus(beyond), || format!("axis {} with its padding", self.axis))?;
        require(claims, &all, Relation::AtLeast, &reach, || self.too_large(padding, &padded, &reach))?;
        fits(self.op, all.minus(&reach), || format!("axis {}", self.axis))
    }

    /// The extent of the dilated window, after checking that nothing is 0.
    pub fn reach(&self, claims: &mut S::Claims) -> Result<S> {
        let one = S::constant(1);
        for (name, value) in [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)] {
            require(claims, value, Relation::AtLeast, &one, || {
                ShapeError::argument(self.op, name, format!("{name} is {value}, but must be at least 1"))
            })?;
        }
        let reach = self.kernel.minus(&one).and_then(|k| k.times(self.dilation)).and_then(|r| r.plus(&one));
        fits(self.op, reach, || format!("a kernel of {} with dilation {}", self.kernel, self.dilation))
    }

    fn same(&self, claims: &mut S::Claims) -> Result<S> {
        let reach = self.reach(claims)?;
        // Twice, so that places before the axis are signed numbers.
        let both = reach.plus(&reach).and_then(|both| both.plus(self.size));
        fits(self.op, both, || format!("axis {} with its padding", self.axis))?;
        require(claims, self.stride, Relation::Equal, &S::constant(1), || {
            let message = format!("padding \"same\" needs a stride of 1, but the stride is {}", self.stride);
            ShapeError::argument(self.op, "padding", message)
        })?;
        Ok(self.size.clone())
    }

    fn too_large(&self, padding: &S, padded: &S, reach: &S) -> ShapeError {
        let mut kernel = format!("the kernel of {}", self.kernel);
        if !self.dilation.is(1) {
            kernel = format!("{kernel} with dilation {} reaches over {reach} and", self.dilation);
        }
        let mut size = format!("axis {} of the input, which is {}", self.axis, self.size);
        if !padding.is(0) {
            size = format!("{size} ({padded} with padding {padding} on both sides)");
        }
        let message = format!("{kernel} is larger than {size}");
        ShapeError::input(self.op, 0, message).at_axis(self.axis)
    }
}

/// Checks the ranks; returns the axis of the channels.
fn ranks<S: Size>(op: &'static str, input: &[S], weight: &[S], spatial: usize) -> Result<usize> {
    let (layout, kernel) = match spatial {
        1 => ("[batch, channels, length] or [channels, length]", "[out, in / groups, kernel]"),
        2 => (
            "[batch, channels, height, width] or [channels, height, width]",
            "[out, in / groups, kernel height, kernel width]",
        ),
        _ => ("[batch, channels, spatial ..] or [channels, spatial ..]", "[out, in / groups, kernel ..]"),
    };
    require_rank(op, 0, input, &[spatial + 2, spatial + 1], layout)?;
    require_rank(op, 1, weight, &[spatial + 2], kernel)?;
    Ok(input.len() - spatial - 1)
}

pub(super) fn check_groups<S: Size>(
    op: &'static str,
    channels: &S,
    name: &'static str,
    groups: &S,
    claims: &mut S::Claims,
) -> Result<()> {
    require(claims, groups, Relation::AtLeast, &S::constant(1), || {
        ShapeError::argument(op, "groups", format!("groups is {groups}, but must be at least 1"))
    })?;
    require(claims, channels, Relation::MultipleOf, groups, || {
        ShapeError::argument(
            op,
            "groups",
            format!("{name} = {channels} cannot be divided into {groups} groups"),
        )
    })
}

fn check_channels<S: Size>(
    op: &'static str,
    input: &[S],
    axis: usize,
    weight: &[S],
    channels: &S,
    groups: &S,
    claims: &mut S::Claims,
) -> Result<()> {
    require(claims, &input[axis], Relation::Equal, channels, || {
        let message = format!(
            "the input {} has {} (axis {axis}), but the weight {} with groups = {groups} takes {channels}",
            Dims(input),
            count(&input[axis], "channel"),
            Dims(weight)
        );
        ShapeError::input(op, 0, message).at_axis(axis)
    })
}

fn transposed_size<S: Size>(
    op: &'static str,
    input: &[S],
    weight: &[S],
    options: &TransposeOptions<'_, S>,
    channel_axis: usize,
    axis: usize,
    claims: &mut S::Claims,
) -> Result<S> {
    let at = channel_axis + 1 + axis;
    let (size, one) = (&input[at], S::constant(1));
    let (stride, dilation) = (&options.stride[axis], &options.dilation[axis]);
    let (padding, extra) = (&options.padding[axis], &options.output_padding[axis]);
    let reach = Window { op, axis: at, size, kernel: &weight[2 + axis], stride, dilation }.reach(claims)?;
    let fits_in = |limit: &S| extra.plus(&one).map(|next| limit.holds(Relation::AtLeast, &next));
    if fits_in(stride) == Some(crate::Truth::False) && fits_in(dilation) == Some(crate::Truth::False) {
        let message = format!(
            "output_padding {extra} must be less than the stride {stride} or the dilation {dilation}"
        );
        return Err(ShapeError::argument(op, "output_padding", message));
    }
    require(claims, size, Relation::AtLeast, &one, || {
        ShapeError::input(op, 0, format!("axis {at} of the input {} is empty", Dims(input))).at_axis(at)
    })?;
    let too_large = || format!("axis {at} of the result");
    let spread = size.minus(&one).and_then(|s| s.times(stride)).and_then(|s| s.plus(&reach));
    let full = fits(op, spread.and_then(|s| s.plus(extra)), too_large)?;
    let cut = fits(op, padding.plus(padding), || format!("padding {padding}"))?;
    let least = fits(op, cut.plus(&one), too_large)?;
    require(claims, &full, Relation::AtLeast, &least, || {
        let message =
            format!("axis {at} would be {full}, and padding {padding} on both sides leaves nothing of it");
        ShapeError::argument(op, "padding", message).at_axis(at)
    })?;
    fits(op, full.minus(&cut), too_large)
}
