//! Rules that change the number of positions of images, or move them to channels and back.

use super::{fits, require, require_rank};
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// `[batch, channels, spatial ..] -> [batch, channels, size ..]`, or with every spatial size times a factor. A single size or
/// factor holds for all spatial axes.
///
/// # Errors
/// When the rank is not 3, 4 or 5, not exactly one of `size` and `scale` is given, their number is not that of the spatial axes, or
/// an axis is or becomes empty.
pub fn interpolate<S: Size>(
    op: &'static str,
    input: &[S],
    size: &[S],
    scale: &[S],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    let layout = "[batch, channels, length], [batch, channels, h, w] or [batch, channels, d, h, w]";
    require_rank(op, 0, input, &[3, 4, 5], layout)?;
    let (name, given) = match (size, scale) {
        ([], []) => {
            return Err(ShapeError::argument(op, "size", "either `size` or `scale_factor` is needed"));
        }
        (size, []) => ("size", size),
        ([], scale) => ("scale_factor", scale),
        _ => return Err(ShapeError::argument(op, "size", "`size` and `scale_factor` cannot both be given")),
    };
    let spatial = input.len() - 2;
    if given.len() != 1 && given.len() != spatial {
        let message = format!(
            "`{name}` has {} entries, but the input {} has {spatial} spatial axes",
            given.len(),
            Dims(input)
        );
        return Err(ShapeError::argument(op, name, message));
    }
    let (mut shape, one) = (input[..2].to_vec(), S::constant(1));
    for axis in 2..input.len() {
        let entry = if given.len() == 1 { &given[0] } else { &given[axis - 2] };
        let result = match name {
            "size" => entry.clone(),
            _ => fits(op, input[axis].times(entry), || format!("axis {axis} of the result"))?,
        };
        require(claims, &input[axis], Relation::AtLeast, &one, || {
            ShapeError::input(op, 0, format!("axis {axis} of the input is empty")).at_axis(axis)
        })?;
        require(claims, &result, Relation::AtLeast, &one, || {
            ShapeError::argument(op, name, format!("axis {axis} of the result would be empty"))
        })?;
        shape.push(result);
    }
    Ok(shape)
}

/// Whether a mode of interpolation, by PyTorch's name, knows images of this shape.
///
/// # Errors
/// When it is made for another number of spatial axes, or `align_corners` is set in a mode that interpolates nothing.
pub fn interpolation_mode<S: Size>(
    op: &'static str,
    mode: &str,
    align_corners: bool,
    input: &[S],
) -> Result<()> {
    let axes = match mode {
        "linear" => 1,
        "bilinear" => 2,
        "trilinear" => 3,
        _ if align_corners => {
            let message =
                format!("mode {mode:?} cannot align corners: \"linear\", \"bilinear\" and \"trilinear\" do");
            return Err(ShapeError::argument(op, "align_corners", message));
        }
        _ => return Ok(()),
    };
    if input.len() != axes + 2 {
        let message = format!(
            "mode {mode:?} takes an input of rank {}, but {} has rank {}",
            axes + 2,
            Dims(input),
            input.len()
        );
        return Err(ShapeError::argument(op, "mode", message));
    }
    Ok(())
}

/// `[.., channels·r², h, w] -> [.., channels, h·r, w·r]`.
///
/// # Errors
/// When the rank is less than 3, `factor` is 0, or the channels cannot be divided by its square.
pub fn pixel_shuffle<S: Size>(input: &[S], factor: &S, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "pixel_shuffle";
    let (leads, channels, [height, width]) = image(OP, "upscale_factor", input, factor, claims)?;
    let square = fits(OP, factor.times(factor), || format!("the square of {factor}"))?;
    require(claims, channels, Relation::MultipleOf, &square, || {
        let message =
            format!("{channels} channels cannot be divided by the square of upscale_factor, {square}");
        ShapeError::input(OP, 0, message).at_axis(leads.len())
    })?;
    let too_large = || "an axis of the result".to_owned();
    let mut shape = leads.to_vec();
    shape.push(fits(OP, channels.over(&square), too_large)?);
    shape.push(fits(OP, height.times(factor), too_large)?);
    shape.push(fits(OP, width.times(factor), too_large)?);
    Ok(shape)
}

/// `[.., channels, h·r, w·r] -> [.., channels·r², h, w]`.
///
/// # Errors
/// When the rank is less than 3, `factor` is 0, or does not divide the height and the width.
pub fn pixel_unshuffle<S: Size>(input: &[S], factor: &S, claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "pixel_unshuffle";
    let (leads, channels, sides) = image(OP, "downscale_factor", input, factor, claims)?;
    let too_large = || "an axis of the result".to_owned();
    let square = fits(OP, factor.times(factor), too_large)?;
    let mut shape = leads.to_vec();
    shape.push(fits(OP, channels.times(&square), too_large)?);
    for (side, what) in sides.into_iter().zip(["height", "width"]) {
        require(claims, side, Relation::MultipleOf, factor, || {
            let message = format!("the {what} of {side} cannot be divided by downscale_factor, {factor}");
            ShapeError::input(OP, 0, message)
        })?;
        shape.push(fits(OP, side.over(factor), too_large)?);
    }
    Ok(shape)
}

/// The axes before the channels, the channels, and height and width.
type Image<'s, S> = (&'s [S], &'s S, [&'s S; 2]);

fn image<'s, S: Size>(
    op: &'static str,
    name: &'static str,
    input: &'s [S],
    factor: &S,
    claims: &mut S::Claims,
) -> Result<Image<'s, S>> {
    let [leads @ .., channels, height, width] = input else {
        let message =
            format!("takes [.., channels, h, w], but its input {} has rank {}", Dims(input), input.len());
        return Err(ShapeError::input(op, 0, message));
    };
    require(claims, factor, Relation::AtLeast, &S::constant(1), || {
        ShapeError::argument(op, name, format!("{name} is {factor}, but must be at least 1"))
    })?;
    Ok((leads, channels, [height, width]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_stated_or_multiplied() {
        let input = [2, 3, 4, 5];
        assert_eq!(interpolate("interpolate", &input, &[], &[2], &mut ()), Ok(vec![2, 3, 8, 10]));
        assert_eq!(interpolate("interpolate", &input, &[7, 1], &[], &mut ()), Ok(vec![2, 3, 7, 1]));
        for (size, scale) in [(&[][..], &[][..]), (&[2], &[2]), (&[1, 2, 3], &[]), (&[0], &[])] {
            assert!(interpolate("interpolate", &input, size, scale, &mut ()).is_err(), "{size:?} {scale:?}");
        }
        assert!(interpolate("interpolate", &[2, 3], &[2], &[], &mut ()).is_err());
    }

    #[test]
    fn modes_know_their_ranks() {
        let check = |mode, align, rank| interpolation_mode("interpolate", mode, align, &vec![2usize; rank]);
        assert!(check("bilinear", true, 4).is_ok() && check("nearest", false, 5).is_ok());
        let error = check("bilinear", false, 3).unwrap_err().to_string();
        assert!(error.contains("takes an input of rank 4, but [2, 2, 2] has rank 3"), "{error}");
        assert!(check("area", true, 4).is_err() && check("linear", false, 5).is_err());
    }

    #[test]
    fn pixels_move_to_channels_and_back() {
        assert_eq!(pixel_shuffle(&[2, 12, 3, 4], &2, &mut ()), Ok(vec![2, 3, 6, 8]));
        assert_eq!(pixel_unshuffle(&[2, 3, 6, 8], &2, &mut ()), Ok(vec![2, 12, 3, 4]));
        let error = pixel_shuffle(&[2, 10, 3, 4], &2, &mut ()).unwrap_err();
        assert!(
            error.to_string().contains("10 channels cannot be divided by the square of upscale_factor, 4")
        );
        assert!(pixel_unshuffle(&[2, 3, 5, 8], &2, &mut ()).is_err());
        assert!(pixel_shuffle(&[4, 4], &2, &mut ()).is_err());
    }
}
