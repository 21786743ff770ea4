//! Normalisation of examples, padding and the kinds of dropout.

use super::cases::{Case, case};
use super::{size, sizes};
use rustorch::nn::*;
use rustorch_shape::args::Value;

/// The layers that normalise examples, pad, or drop out.
pub fn cases() -> Vec<Case> {
    let flag = Value::Bool;
    vec![
        case("BatchNorm3d", BatchNorm3d::new(3), &[("num_features", size(3))], &[4, 3, 2, 5, 5]),
        case(
            "BatchNorm3d",
            BatchNorm3d::builder(3).bias(false).build().unwrap(),
            &[("num_features", size(3)), ("bias", flag(false))],
            &[4, 3, 2, 5, 5],
        ),
        case("InstanceNorm1d", InstanceNorm1d::new(3), &[("num_features", size(3))], &[2, 3, 5]),
        case(
            "InstanceNorm1d",
            InstanceNorm1d::builder(3).affine(true).track_running_stats(true).build().unwrap(),
            &[("num_features", size(3)), ("affine", flag(true)), ("track_running_stats", flag(true))],
            &[3, 5],
        ),
        case("InstanceNorm2d", InstanceNorm2d::new(3), &[("num_features", size(3))], &[2, 3, 5, 4]),
        case(
            "InstanceNorm2d",
            InstanceNorm2d::builder(3).affine(true).track_running_stats(true).build().unwrap(),
            &[("num_features", size(3)), ("affine", flag(true)), ("track_running_stats", flag(true))],
            &[3, 5, 4],
        ),
        case("InstanceNorm3d", InstanceNorm3d::new(3), &[("num_features", size(3))], &[2, 3, 5, 4, 2]),
        case(
            "InstanceNorm3d",
            InstanceNorm3d::builder(3).affine(true).track_running_stats(true).build().unwrap(),
            &[("num_features", size(3)), ("affine", flag(true)), ("track_running_stats", flag(true))],
            &[3, 5, 4, 2],
        ),
        case("ZeroPad1d", ZeroPad1d::new([1, 2]), &[("padding", sizes(&[1, 2]))], &[2, 3, 6]),
        case("ZeroPad1d", ZeroPad1d::new(1), &[("padding", sizes(&[1, 1]))], &[3, 6]),
        case("ZeroPad2d", ZeroPad2d::new([1, 2, 0, 1]), &[("padding", sizes(&[1, 2, 0, 1]))], &[2, 3, 6, 5]),
        case("ZeroPad2d", ZeroPad2d::new(1), &[("padding", sizes(&[1, 1, 1, 1]))], &[3, 6, 5]),
        case(
            "ZeroPad3d",
            ZeroPad3d::new([1, 2, 0, 1, 2, 3]),
            &[("padding", sizes(&[1, 2, 0, 1, 2, 3]))],
            &[2, 3, 6, 5, 4],
        ),
        case("ZeroPad3d", ZeroPad3d::new(1), &[("padding", sizes(&[1, 1, 1, 1, 1, 1]))], &[3, 6, 5, 4]),
        case(
            "ConstantPad1d",
            ConstantPad1d::new([1, 2], 0.5),
            &[("padding", sizes(&[1, 2])), ("value", Value::Float(0.5))],
            &[2, 3, 6],
        ),
        case(
            "ConstantPad1d",
            ConstantPad1d::new(1, 0.5),
            &[("padding", sizes(&[1, 1])), ("value", Value::Float(0.5))],
            &[3, 6],
        ),
        case(
            "ConstantPad2d",
            ConstantPad2d::new([1, 2, 0, 1], 0.5),
            &[("padding", sizes(&[1, 2, 0, 1])), ("value", Value::Float(0.5))],
            &[2, 3, 6, 5],
        ),
        case(
            "ConstantPad2d",
            ConstantPad2d::new(1, 0.5),
            &[("padding", sizes(&[1, 1, 1, 1])), ("value", Value::Float(0.5))],
            &[3, 6, 5],
        ),
        case(
            "ConstantPad3d",
            ConstantPad3d::new([1, 2, 0, 1, 2, 3], 0.5),
            &[("padding", sizes(&[1, 2, 0, 1, 2, 3])), ("value", Value::Float(0.5))],
            &[2, 3, 6, 5, 4],
        ),
        case(
            "ConstantPad3d",
            ConstantPad3d::new(1, 0.5),
            &[("padding", sizes(&[1, 1, 1, 1, 1, 1])), ("value", Value::Float(0.5))],
            &[3, 6, 5, 4],
        ),
        case("ReflectionPad1d", ReflectionPad1d::new([1, 2]), &[("padding", sizes(&[1, 2]))], &[2, 3, 6]),
        case("ReflectionPad1d", ReflectionPad1d::new(1), &[("padding", sizes(&[1, 1]))], &[3, 6]),
        case(
            "ReflectionPad2d",
            ReflectionPad2d::new([1, 2, 0, 1]),
            &[("padding", sizes(&[1, 2, 0, 1]))],
            &[2, 3, 6, 5],
        ),
        case("ReflectionPad2d", ReflectionPad2d::new(1), &[("padding", sizes(&[1, 1, 1, 1]))], &[3, 6, 5]),
        case(
            "ReflectionPad3d",
            ReflectionPad3d::new([1, 2, 0, 1, 2, 3]),
            &[("padding", sizes(&[1, 2, 0, 1, 2, 3]))],
            &[2, 3, 6, 5, 4],
        ),
        case(
            "ReflectionPad3d",
            ReflectionPad3d::new(1),
            &[("padding", sizes(&[1, 1, 1, 1, 1, 1]))],
            &[3, 6, 5, 4],
        ),
        case("ReplicationPad1d", ReplicationPad1d::new([1, 2]), &[("padding", sizes(&[1, 2]))], &[2, 3, 6]),
        case("ReplicationPad1d", ReplicationPad1d::new(1), &[("padding", sizes(&[1, 1]))], &[3, 6]),
        case(
            "ReplicationPad2d",
            ReplicationPad2d::new([1, 2, 0, 1]),
            &[("padding", sizes(&[1, 2, 0, 1]))],
            &[2, 3, 6, 5],
        ),
        case("ReplicationPad2d", ReplicationPad2d::new(1), &[("padding", sizes(&[1, 1, 1, 1]))], &[3, 6, 5]),
        case(
            "ReplicationPad3d",
            ReplicationPad3d::new([1, 2, 0, 1, 2, 3]),
            &[("padding", sizes(&[1, 2, 0, 1, 2, 3]))],
            &[2, 3, 6, 5, 4],
        ),
        case(
            "ReplicationPad3d",
            ReplicationPad3d::new(1),
            &[("padding", sizes(&[1, 1, 1, 1, 1, 1]))],
            &[3, 6, 5, 4],
        ),
        case("CircularPad1d", CircularPad1d::new([1, 2]), &[("padding", sizes(&[1, 2]))], &[2, 3, 6]),
        case("CircularPad1d", CircularPad1d::new(1), &[("padding", sizes(&[1, 1]))], &[3, 6]),
        case(
            "CircularPad2d",
            CircularPad2d::new([1, 2, 0, 1]),
            &[("padding", sizes(&[1, 2, 0, 1]))],
            &[2, 3, 6, 5],
        ),
        case("CircularPad2d", CircularPad2d::new(1), &[("padding", sizes(&[1, 1, 1, 1]))], &[3, 6, 5]),
        case(
            "CircularPad3d",
            CircularPad3d::new([1, 2, 0, 1, 2, 3]),
            &[("padding", sizes(&[1, 2, 0, 1, 2, 3]))],
            &[2, 3, 6, 5, 4],
        ),
        case(
            "CircularPad3d",
            CircularPad3d::new(1),
            &[("padding", sizes(&[1, 1, 1, 1, 1, 1]))],
            &[3, 6, 5, 4],
        ),
        case("Dropout1d", Dropout1d::new(0.3), &[("p", Value::Float(0.3))], &[2, 3, 4]),
        case("Dropout1d", Dropout1d::new(0.3), &[("p", Value::Float(0.3))], &[3, 4]),
        case("Dropout2d", Dropout2d::new(0.3), &[("p", Value::Float(0.3))], &[2, 3, 4, 5]),
        case("Dropout3d", Dropout3d::new(0.3), &[("p", Value::Float(0.3))], &[2, 3, 4, 5, 2]),
        case("AlphaDropout", AlphaDropout::new(0.3), &[("p", Value::Float(0.3))], &[4]),
        case("FeatureAlphaDropout", FeatureAlphaDropout::new(0.3), &[("p", Value::Float(0.3))], &[2, 3, 4]),
    ]
}
