//! Pooling.

use super::{LayerSpec, Signature, no_state};
use crate::args::{ArgSpec, Args, Fallback, Kind, Rule, RuleFn, Value};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules::{self, PoolOptions};
use crate::size::Size;

/// The layers of one number of axes.
macro_rules! pools {
    (
        $axes:literal, $shapes:literal;
        $max:ident $max_name:literal $max_args:expr;
        $avg:ident $avg_name:literal $avg_args:expr;
        $adaptive_avg:ident $adaptive_avg_name:literal $adaptive_max:ident $adaptive_max_name:literal $output:ident;
        $lp:ident $lp_name:literal $lp_args:expr;
    ) => {
        pub(super) const $max: LayerSpec =
            pool($max_name, concat!("the largest of every window: ", $shapes), $max_args, window_rule);
        pub(super) const $avg: LayerSpec =
            pool($avg_name, concat!("the mean of every window: ", $shapes), $avg_args, window_rule);
        pub(super) const $adaptive_avg: LayerSpec = pool(
            $adaptive_avg_name,
            "means over as many windows as output_size asks for",
            $output,
            adaptive_rule,
        );
        pub(super) const $adaptive_max: LayerSpec = pool(
            $adaptive_max_name,
            "the largest of as many windows as output_size asks for",
            $output,
            adaptive_rule,
        );
        pub(super) const $lp: LayerSpec = pool(
            $lp_name,
            concat!("(sum of x^norm_type)^(1/norm_type) over every window: ", $shapes),
            $lp_args,
            window_rule,
        );
        pub(crate) const $output: &[ArgSpec] = &[ArgSpec::of("output_size", Kind::Output($axes))];
    };
}

pools! {
    1, "[batch, channels, length] -> [batch, channels, length']";
    MAX_POOL1D "MaxPool1d" MAX_POOL1D_ARGS;
    AVG_POOL1D "AvgPool1d" AVG_POOL1D_ARGS;
    ADAPTIVE_AVG_POOL1D "AdaptiveAvgPool1d" ADAPTIVE_MAX_POOL1D "AdaptiveMaxPool1d" ADAPTIVE_POOL1D_ARGS;
    LP_POOL1D "LPPool1d" LP_POOL1D_ARGS;
}
pools! {
    2, "[batch, channels, h, w] -> [batch, channels, h', w']";
    MAX_POOL2D "MaxPool2d" MAX_POOL2D_ARGS;
    AVG_POOL2D "AvgPool2d" AVG_POOL2D_ARGS;
    ADAPTIVE_AVG_POOL2D "AdaptiveAvgPool2d" ADAPTIVE_MAX_POOL2D "AdaptiveMaxPool2d" ADAPTIVE_POOL2D_ARGS;
    LP_POOL2D "LPPool2d" LP_POOL2D_ARGS;
}
pools! {
    3, "[batch, channels, d, h, w] -> [batch, channels, d', h', w']";
    MAX_POOL3D "MaxPool3d" MAX_POOL3D_ARGS;
    AVG_POOL3D "AvgPool3d" AVG_POOL3D_ARGS;
    ADAPTIVE_AVG_POOL3D "AdaptiveAvgPool3d" ADAPTIVE_MAX_POOL3D "AdaptiveMaxPool3d" ADAPTIVE_POOL3D_ARGS;
    LP_POOL3D "LPPool3d" LP_POOL3D_ARGS;
}

pub(crate) const MAX_POOL1D_ARGS: &[ArgSpec] = &max_pool_args(1);
pub(crate) const MAX_POOL2D_ARGS: &[ArgSpec] = &max_pool_args(2);
pub(crate) const MAX_POOL3D_ARGS: &[ArgSpec] = &max_pool_args(3);
pub(crate) const AVG_POOL1D_ARGS: &[ArgSpec] = &avg_pool_args(1);
pub(crate) const AVG_POOL2D_ARGS: &[ArgSpec] = &with_divisor(avg_pool_args(2));
pub(crate) const AVG_POOL3D_ARGS: &[ArgSpec] = &with_divisor(avg_pool_args(3));
pub(crate) const LP_POOL1D_ARGS: &[ArgSpec] = &lp_pool_args(1);
pub(crate) const LP_POOL2D_ARGS: &[ArgSpec] = &lp_pool_args(2);
pub(crate) const LP_POOL3D_ARGS: &[ArgSpec] = &lp_pool_args(3);

const fn pool(
    name: &'static str,
    summary: &'static str,
    args: &'static [ArgSpec],
    rule: RuleFn,
) -> LayerSpec {
    LayerSpec { name, summary, args, state: no_state, signature: Signature::MAP, rule: Rule::new(rule) }
}

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

const fn with_divisor([kernel, stride, padding, ceil_mode, include]: [ArgSpec; 5]) -> [ArgSpec; 6] {
    [kernel, stride, padding, ceil_mode, include, ArgSpec::optional_size("divisor_override")]
}

const fn lp_pool_args(axes: usize) -> [ArgSpec; 4] {
    [
        ArgSpec::of("norm_type", Kind::Float),
        ArgSpec::window("kernel", axes),
        ArgSpec::window("stride", axes).named().or(Fallback::Same("kernel")),
        ArgSpec::flag("ceil_mode", false),
    ]
}

pub(crate) fn window_rule(
    args: &Args,
    inputs: &[&[Poly]],
    claims: &mut Vec<Claim>,
) -> Result<Vec<Vec<Poly>>> {
    let kernel = args.sizes("kernel")?;
    let [none, one] = [0, 1].map(|size| vec![Poly::constant(size); kernel.len()]);
    let sizes = |name, default| if args.get(name).is_some() { args.sizes(name) } else { Ok(default) };
    let options = PoolOptions {
        kernel,
        stride: args.sizes("stride")?,
        padding: sizes("padding", &none[..])?,
        dilation: sizes("dilation", &one[..])?,
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
