//! Pooling.

use super::cases::{Case, case};
use super::{size, sizes};
use rustorch::nn::*;
use rustorch_shape::Poly;
use rustorch_shape::args::Value;

/// The layers that pool.
pub fn cases() -> Vec<Case> {
    let flag = Value::Bool;
    vec![
        case("MaxPool2d", MaxPool2d::new(2), &[("kernel", sizes(&[2, 2]))], &[2, 3, 9, 8]),
        case(
            "MaxPool2d",
            MaxPool2d::builder([3, 2])
                .stride(2)
                .padding([1, 0])
                .dilation([1, 2])
                .ceil_mode(true)
                .build()
                .unwrap(),
            &[
                ("kernel", sizes(&[3, 2])),
                ("stride", sizes(&[2, 2])),
                ("padding", sizes(&[1, 0])),
                ("dilation", sizes(&[1, 2])),
                ("ceil_mode", flag(true)),
            ],
            &[2, 3, 9, 8],
        ),
        case("AvgPool2d", AvgPool2d::new([2, 3]), &[("kernel", sizes(&[2, 3]))], &[2, 3, 9, 8]),
        case(
            "AvgPool2d",
            AvgPool2d::builder(3).padding(1).ceil_mode(true).count_include_pad(false).build().unwrap(),
            &[
                ("kernel", sizes(&[3, 3])),
                ("padding", sizes(&[1, 1])),
                ("ceil_mode", flag(true)),
                ("count_include_pad", flag(false)),
            ],
            &[2, 3, 8, 8],
        ),
        case(
            "AdaptiveAvgPool2d",
            AdaptiveAvgPool2d::new([Some(2), None]),
            &[("output_size", Value::Target(vec![Some(Poly::integer(2)), None]))],
            &[2, 3, 9, 8],
        ),
        case("MaxPool1d", MaxPool1d::new(2), &[("kernel", sizes(&[2]))], &[2, 3, 9]),
        case(
            "MaxPool3d",
            MaxPool3d::builder([3, 2, 1])
                .stride(2)
                .padding([1, 0, 0])
                .dilation([1, 2, 3])
                .ceil_mode(true)
                .build()
                .unwrap(),
            &[
                ("kernel", sizes(&[3, 2, 1])),
                ("stride", sizes(&[2, 2, 2])),
                ("padding", sizes(&[1, 0, 0])),
                ("dilation", sizes(&[1, 2, 3])),
                ("ceil_mode", flag(true)),
            ],
            &[2, 3, 7, 9, 8],
        ),
        case("AvgPool1d", AvgPool1d::new(3), &[("kernel", sizes(&[3]))], &[3, 8]),
        case(
            "AvgPool3d",
            AvgPool3d::builder(2).stride([1, 2, 3]).divisor_override(3).build().unwrap(),
            &[("kernel", sizes(&[2, 2, 2])), ("stride", sizes(&[1, 2, 3])), ("divisor_override", size(3))],
            &[2, 3, 4, 5, 6],
        ),
        case(
            "LPPool1d",
            LPPool1d::new(2.0, 3),
            &[("norm_type", Value::Float(2.0)), ("kernel", sizes(&[3]))],
            &[2, 3, 8],
        ),
        case(
            "LPPool2d",
            LPPool2d::builder(3.0, [2, 3]).stride(2).ceil_mode(true).build().unwrap(),
            &[
                ("norm_type", Value::Float(3.0)),
                ("kernel", sizes(&[2, 3])),
                ("stride", sizes(&[2, 2])),
                ("ceil_mode", flag(true)),
            ],
            &[2, 3, 7, 8],
        ),
        case(
            "LPPool3d",
            LPPool3d::new(2.0, 2),
            &[("norm_type", Value::Float(2.0)), ("kernel", sizes(&[2, 2, 2]))],
            &[2, 3, 4, 5, 6],
        ),
        case(
            "AdaptiveAvgPool1d",
            AdaptiveAvgPool1d::new([Some(2)]),
            &[("output_size", Value::Target(vec![Some(Poly::integer(2))]))],
            &[2, 3, 9],
        ),
        case(
            "AdaptiveAvgPool3d",
            AdaptiveAvgPool3d::new([Some(2), None, Some(3)]),
            &[("output_size", Value::Target(vec![Some(Poly::integer(2)), None, Some(Poly::integer(3))]))],
            &[2, 3, 9, 8, 7],
        ),
        case(
            "AdaptiveMaxPool1d",
            AdaptiveMaxPool1d::new([Some(2)]),
            &[("output_size", Value::Target(vec![Some(Poly::integer(2))]))],
            &[2, 3, 9],
        ),
        case(
            "AdaptiveMaxPool2d",
            AdaptiveMaxPool2d::new([Some(2), None]),
            &[("output_size", Value::Target(vec![Some(Poly::integer(2)), None]))],
            &[2, 3, 9, 8],
        ),
        case(
            "AdaptiveMaxPool3d",
            AdaptiveMaxPool3d::new([Some(2), None, Some(3)]),
            &[("output_size", Value::Target(vec![Some(Poly::integer(2)), None, Some(Poly::integer(3))]))],
            &[2, 3, 9, 8, 7],
        ),
    ]
}
