//! Pooling.

use super::{LayerSpec, Signature, no_state};
use crate::args::{ArgSpec, Args, Fallback, Kind, Value};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules::{self, PoolOptions};
use crate::size::Size;

pub(super) const MAX_POOL2D: LayerSpec = LayerSpec {
    name: "MaxPool2d",
    summary: "the largest of every window: [batch, channels, h, w] -> [batch, channels, h', w']",
    args: MAX_POOL2D_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: window_rule,
};

pub(super) const AVG_POOL2D: LayerSpec = LayerSpec {
    name: "AvgPool2d",
    summary: "the mean of every window: [batch, channels, h, w] -> [batch, channels, h', w']",
    args: AVG_POOL2D_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: window_rule,
};

pub(super) const ADAPTIVE_AVG_POOL2D: LayerSpec = LayerSpec {
    name: "AdaptiveAvgPool2d",
    summary: "means over as many windows as output_size asks for",
    args: ADAPTIVE_POOL2D_ARGS,
    state: no_state,
    signature: Signature::MAP,
    rule: adaptive_rule,
};

pub(crate) const MAX_POOL1D_ARGS: &[ArgSpec] = &max_pool_args(1);
pub(crate) const MAX_POOL2D_ARGS: &[ArgSpec] = &max_pool_args(2);
pub(crate) const AVG_POOL1D_ARGS: &[ArgSpec] = &avg_pool_args(1);
pub(crate) const AVG_POOL2D_ARGS: &[ArgSpec] = &{
    let [kernel, stride, padding, ceil_mode, count_include_pad] = avg_pool_args(2);
    [kernel, stride, padding, ceil_mode, count_include_pad, ArgSpec::optional_size("divisor_override")]
};

const fn max_pool_args(axes: usize) -> [ArgSpec; 5] {
    [
        ArgSpec::window("kernel", axes),
        ArgSpec::window("stride", axes).named().or(Fallback::Same("kernel")),
        ArgSpec::window("padding", axes).named().or(Fallback::Size(0)),
        ArgSpec::window("dilation", axes).named().or(Fallback::Size(1)),
        ArgSpec::flag("ceil_mode", false),
    ]
}

const fn avg_pool_args(axes: usize) -> [ArgSpec; 5] {
    [
        ArgSpec::window("kernel", axes),
        ArgSpec::window("stride", axes).named().or(Fallback::Same("kernel")),
        ArgSpec::window("padding", axes).named().or(Fallback::Size(0)),
        ArgSpec::flag("ceil_mode", false),
        ArgSpec::bool("count_include_pad", true),
    ]
}

pub(crate) const ADAPTIVE_POOL2D_ARGS: &[ArgSpec] = &[ArgSpec::of("output_size", Kind::Output(2))];

pub(crate) fn window_rule(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    let kernel = args.sizes("kernel")?;
    let no_dilation = vec![Poly::constant(1); kernel.len()];
    let options = PoolOptions {
        kernel,
        stride: args.sizes("stride")?,
        padding: args.sizes("padding")?,
        dilation: if args.get("dilation").is_some() { args.sizes("dilation")? } else { &no_dilation },
        ceil_mode: args.flag("ceil_mode")?,
    };
    if let Some(Value::Size(divisor)) = args.get("divisor_override") {
        rules::pool_divisor(args.op, divisor, claims)?;
    }
    Ok(vec![rules::pool(args.op, inputs[0], options, claims)?])
}

pub(crate) fn adaptive_rule(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    Ok(vec![rules::adaptive_pool(args.op, inputs[0], args.target("output_size")?, claims)?])
}
