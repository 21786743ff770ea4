//! Padding.

use super::{LayerSpec, Signature, no_state};
use crate::args::{ArgSpec, Kind, Rule, RuleFn};
use crate::rules::{self, Border};

pub(super) const ZERO_PAD1D: LayerSpec = pad("ZeroPad1d", "zeros around the last axis", PLAIN1, CONSTANT);
pub(super) const ZERO_PAD2D: LayerSpec = pad("ZeroPad2d", "zeros around the last two axes", PLAIN2, CONSTANT);
pub(super) const ZERO_PAD3D: LayerSpec =
    pad("ZeroPad3d", "zeros around the last three axes", PLAIN3, CONSTANT);
pub(super) const CONSTANT_PAD1D: LayerSpec =
    pad("ConstantPad1d", "value around the last axis", CONSTANT1, CONSTANT);
pub(super) const CONSTANT_PAD2D: LayerSpec =
    pad("ConstantPad2d", "value around the last two axes", CONSTANT2, CONSTANT);
pub(super) const CONSTANT_PAD3D: LayerSpec =
    pad("ConstantPad3d", "value around the last three axes", CONSTANT3, CONSTANT);
pub(super) const REFLECTION_PAD1D: LayerSpec =
    pad("ReflectionPad1d", "the input mirrored at its ends around the last axis", PLAIN1, REFLECT);
pub(super) const REFLECTION_PAD2D: LayerSpec =
    pad("ReflectionPad2d", "the input mirrored at its ends around the last two axes", PLAIN2, REFLECT);
pub(super) const REFLECTION_PAD3D: LayerSpec =
    pad("ReflectionPad3d", "the input mirrored at its ends around the last three axes", PLAIN3, REFLECT);
pub(super) const REPLICATION_PAD1D: LayerSpec =
    pad("ReplicationPad1d", "the first and last entries around the last axis", PLAIN1, REPLICATE);
pub(super) const REPLICATION_PAD2D: LayerSpec =
    pad("ReplicationPad2d", "the first and last entries around the last two axes", PLAIN2, REPLICATE);
pub(super) const REPLICATION_PAD3D: LayerSpec =
    pad("ReplicationPad3d", "the first and last entries around the last three axes", PLAIN3, REPLICATE);
pub(super) const CIRCULAR_PAD1D: LayerSpec =
    pad("CircularPad1d", "the entries of the other end around the last axis", PLAIN1, CIRCULAR);
pub(super) const CIRCULAR_PAD2D: LayerSpec =
    pad("CircularPad2d", "the entries of the other end around the last two axes", PLAIN2, CIRCULAR);
pub(super) const CIRCULAR_PAD3D: LayerSpec =
    pad("CircularPad3d", "the entries of the other end around the last three axes", PLAIN3, CIRCULAR);

const PLAIN1: &[ArgSpec] = &[ends(1)];
const PLAIN2: &[ArgSpec] = &[ends(2)];
const PLAIN3: &[ArgSpec] = &[ends(3)];
const CONSTANT1: &[ArgSpec] = &[ends(1), VALUE];
const CONSTANT2: &[ArgSpec] = &[ends(2), VALUE];
const CONSTANT3: &[ArgSpec] = &[ends(3), VALUE];
const VALUE: ArgSpec = ArgSpec::of("value", Kind::Float);

const fn ends(axes: usize) -> ArgSpec {
    ArgSpec::of("padding", Kind::Ends(axes))
}

const fn pad(name: &'static str, summary: &'static str, args: &'static [ArgSpec], rule: RuleFn) -> LayerSpec {
    LayerSpec { name, summary, args, state: no_state, signature: Signature::MAP, rule: Rule::new(rule) }
}

const CONSTANT: RuleFn = |args, inputs, claims| {
    Ok(vec![rules::pad_layer(args.op, inputs[0], args.sizes("padding")?, Border::Constant, claims)?])
};
const REFLECT: RuleFn = |args, inputs, claims| {
    Ok(vec![rules::pad_layer(args.op, inputs[0], args.sizes("padding")?, Border::Reflect, claims)?])
};
const REPLICATE: RuleFn = |args, inputs, claims| {
    Ok(vec![rules::pad_layer(args.op, inputs[0], args.sizes("padding")?, Border::Replicate, claims)?])
};
const CIRCULAR: RuleFn = |args, inputs, claims| {
    Ok(vec![rules::pad_layer(args.op, inputs[0], args.sizes("padding")?, Border::Circular, claims)?])
};
