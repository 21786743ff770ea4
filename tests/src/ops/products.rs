//! Matrix products and convolutions.

use rustorch::nn::functional::{self as f, ConvOptions, ConvTransposeOptions, Padding};

use super::{Table, table};
use crate::golden::Args;

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "matmul" => |a| [a.tensor(0).matmul(a.tensor(1))?];
        "mm" => |a| [a.tensor(0).mm(a.tensor(1))?];
        "bmm" => |a| [a.tensor(0).bmm(a.tensor(1))?];
        "mv" => |a| [a.tensor(0).mv(a.tensor(1))?];
        "dot" => |a| [a.tensor(0).dot(a.tensor(1))?];
        "outer" => |a| [a.tensor(0).outer(a.tensor(1))?];
        "addmm" => |a| [a.tensor(0).addmm(a.tensor(1), a.tensor(2), a.f64(3), a.f64(4))?];
        "addmm_" => |a| [a.tensor(0).addmm_(a.tensor(1), a.tensor(2), a.f64(3), a.f64(4))?];
        "baddbmm_" => |a| [a.tensor(0).baddbmm_(a.tensor(1), a.tensor(2), a.f64(3), a.f64(4))?];
        "baddbmm" => |a| [a.tensor(0).baddbmm(a.tensor(1), a.tensor(2), a.f64(3), a.f64(4))?];
        "linear" => |a| [f::linear(a.tensor(0), a.tensor(1), a.tensor_or_none(2))?];
        "conv2d" => |a| [f::conv2d(a.tensor(0), a.tensor(1), a.tensor_or_none(2), options(a))?];
        "conv1d" => |a| [f::conv1d(a.tensor(0), a.tensor(1), a.tensor_or_none(2), options(a))?];
        "conv3d" => |a| [f::conv3d(a.tensor(0), a.tensor(1), a.tensor_or_none(2), options(a))?];
        "conv_transpose1d" => |a| [f::conv_transpose1d(a.tensor(0), a.tensor(1), a.tensor_or_none(2), transposed(a))?];
        "conv_transpose2d" => |a| [f::conv_transpose2d(a.tensor(0), a.tensor(1), a.tensor_or_none(2), transposed(a))?];
        "conv_transpose3d" => |a| [f::conv_transpose3d(a.tensor(0), a.tensor(1), a.tensor_or_none(2), transposed(a))?];
    }
}

/// The stride, padding, dilation and groups from the fourth argument on.
fn options<const N: usize>(a: &Args) -> ConvOptions<N> {
    let padding = match a.is_text(4) {
        true if a.text(4) == "same" => Padding::Same,
        true => Padding::Valid,
        false => Padding::Zeros(a.array(4)),
    };
    ConvOptions { stride: a.array(3), padding, dilation: a.array(5), groups: a.size(6) }
}

/// The stride, padding, output padding, groups and dilation from the fourth argument on.
fn transposed<const N: usize>(a: &Args) -> ConvTransposeOptions<N> {
    ConvTransposeOptions {
        stride: a.array(3),
        padding: a.array(4),
        output_padding: a.array(5),
        groups: a.size(6),
        dilation: a.array(7),
    }
}
