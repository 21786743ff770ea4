//! Layers that change the number of positions of images.

use super::{LayerSpec, Signature, no_state};
use crate::args::{ArgSpec, Args, Fallback, Kind, Rule, Value};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules;

pub(super) const UPSAMPLE: LayerSpec = LayerSpec {
    name: "Upsample",
    summary: "images of another size by nearest or interpolated positions: [batch, channels, ..] -> [batch, channels, size ..]",
    // `Upsample(2)` would not say whether it means a size, as in PyTorch, or a factor.
    args: &[SIZE.named(), SCALE_FACTOR, MODE, ALIGN_CORNERS],
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(interpolate),
};

pub(super) const PIXEL_SHUFFLE: LayerSpec = LayerSpec {
    name: "PixelShuffle",
    summary: "channels moved to positions: [.., channels*r*r, h, w] -> [.., channels, h*r, w*r]",
    args: PIXEL_SHUFFLE_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(pixel_shuffle),
};

pub(super) const PIXEL_UNSHUFFLE: LayerSpec = LayerSpec {
    name: "PixelUnshuffle",
    summary: "positions moved to channels: [.., channels, h*r, w*r] -> [.., channels*r*r, h, w]",
    args: PIXEL_UNSHUFFLE_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: Rule::new(pixel_unshuffle),
};

const SIZE: ArgSpec = ArgSpec::of("size", Kind::Sizes).or(Fallback::Absent);
const SCALE_FACTOR: ArgSpec = ArgSpec::of("scale_factor", Kind::Sizes).named().or(Fallback::Absent);
const MODE: ArgSpec = ArgSpec::of("mode", Kind::Text(MODES)).named().or(Fallback::Text("nearest"));
const ALIGN_CORNERS: ArgSpec = ArgSpec::flag("align_corners", false);
const MODES: &[&str] = &["nearest", "nearest-exact", "linear", "bilinear", "trilinear", "area"];

pub(crate) const INTERPOLATE_ARGS: &[ArgSpec] = &[SIZE, SCALE_FACTOR, MODE, ALIGN_CORNERS];
pub(crate) const PIXEL_SHUFFLE_ARGS: &[ArgSpec] = &[ArgSpec::size("upscale_factor")];
pub(crate) const PIXEL_UNSHUFFLE_ARGS: &[ArgSpec] = &[ArgSpec::size("downscale_factor")];

pub(crate) fn interpolate(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    let given = |name| match args.get(name) {
        Some(Value::Sizes(sizes)) => &sizes[..],
        Some(Value::Size(size)) => std::slice::from_ref(size),
        _ => &[],
    };
    let shape = rules::interpolate(args.op, inputs[0], given("size"), given("scale_factor"), claims)?;
    if let Some(Value::Text(mode)) = args.get("mode") {
        rules::interpolation_mode(args.op, mode, args.flag("align_corners")?, inputs[0])?;
    }
    Ok(vec![shape])
}

pub(crate) fn pixel_shuffle(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::pixel_shuffle(inputs[0], args.size("upscale_factor")?, claims)?])
}

pub(crate) fn pixel_unshuffle(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::pixel_unshuffle(inputs[0], args.size("downscale_factor")?, claims)?])
}
