//! Losses.

use rustorch::nn::functional::{self as f, CrossEntropyOptions, KlReduction, Reduction};

use super::{Table, table};
use crate::golden::Args;

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "cross_entropy" => |a| [f::cross_entropy_with(a.tensor(0), a.tensor(1), &CrossEntropyOptions {
            weight: a.tensor_or_none(2).cloned(),
            ignore_index: a.int(3) as i64,
            label_smoothing: a.f64(4),
            reduction: reduction(a, 5),
        })?];
        "nll_loss" => |a| [f::nll_loss(a.tensor(0), a.tensor(1), &CrossEntropyOptions {
            weight: a.tensor_or_none(2).cloned(),
            ignore_index: a.int(3) as i64,
            label_smoothing: 0.0,
            reduction: reduction(a, 4),
        })?];
        "mse_loss" => |a| [f::mse_loss(a.tensor(0), a.tensor(1), reduction(a, 2))?];
        "l1_loss" => |a| [f::l1_loss(a.tensor(0), a.tensor(1), reduction(a, 2))?];
        "smooth_l1_loss" => |a| [f::smooth_l1_loss(a.tensor(0), a.tensor(1), a.f64(2), reduction(a, 3))?];
        "huber_loss" => |a| [f::huber_loss(a.tensor(0), a.tensor(1), a.f64(2), reduction(a, 3))?];
        "binary_cross_entropy" => |a| [
            f::binary_cross_entropy(a.tensor(0), a.tensor(1), a.tensor_or_none(2), reduction(a, 3))?
        ];
        "binary_cross_entropy_with_logits" => |a| [f::binary_cross_entropy_with_logits(
            a.tensor(0), a.tensor(1), a.tensor_or_none(2), a.tensor_or_none(3), reduction(a, 4),
        )?];
        "kl_div" => |a| [f::kl_div(a.tensor(0), a.tensor(1), match a.text(2) {
            "none" => KlReduction::None,
            "sum" => KlReduction::Sum,
            "batchmean" => KlReduction::BatchMean,
            _ => KlReduction::Mean,
        }, a.bool(3))?];
        "one_hot" => |a| [f::one_hot(a.tensor(0), a.int_or_none(1).map(|classes| classes as usize))?];
    }
}

fn reduction(a: &Args, at: usize) -> Reduction {
    match a.text(at) {
        "none" => Reduction::None,
        "sum" => Reduction::Sum,
        _ => Reduction::Mean,
    }
}
