//! The functions behind the layers: softmax, pooling, normalisation, embeddings, activations with weights, attention.

use rustorch::nn::functional::{
    self as f, AttentionOptions, AvgPoolOptions, BatchNormOptions, EmbeddingOptions, InterpolateMode,
    MaxPoolOptions, Resize,
};
use rustorch::{Result, Tensor};

use super::{Table, table};
use crate::golden::Args;

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "softmax" => |a| [a.tensor(0).softmax(a.int(1))?];
        "log_softmax" => |a| [a.tensor(0).log_softmax(a.int(1))?];
        "softmin" => |a| [a.tensor(0).softmin(a.int(1))?];
        "max_pool1d" => |a| if a.bool(6) {
            Vec::from(<[_; 2]>::from(f::max_pool1d_with_indices(a.tensor(0), one(a.array(1)), max_options(a))?))
        } else {
            vec![f::max_pool1d(a.tensor(0), one(a.array(1)), max_options(a))?]
        };
        "max_pool2d" => |a| if a.bool(6) {
            Vec::from(<[_; 2]>::from(f::max_pool2d_with_indices(a.tensor(0), a.array(1), max_options(a))?))
        } else {
            vec![f::max_pool2d(a.tensor(0), a.array(1), max_options(a))?]
        };
        "max_pool3d" => |a| if a.bool(6) {
            Vec::from(<[_; 2]>::from(f::max_pool3d_with_indices(a.tensor(0), a.array(1), max_options(a))?))
        } else {
            vec![f::max_pool3d(a.tensor(0), a.array(1), max_options(a))?]
        };
        "avg_pool1d" => |a| [f::avg_pool1d(a.tensor(0), one(a.array(1)), average_options(a))?];
        "avg_pool2d" => |a| [f::avg_pool2d(a.tensor(0), a.array(1), average_options(a))?];
        "avg_pool3d" => |a| [f::avg_pool3d(a.tensor(0), a.array(1), average_options(a))?];
        "lp_pool1d" => |a| [f::lp_pool1d(a.tensor(0), a.f64(1), one(a.array(2)), stride(a, 3).map(one), a.bool(4))?];
        "lp_pool2d" => |a| [f::lp_pool2d(a.tensor(0), a.f64(1), a.array(2), stride(a, 3), a.bool(4))?];
        "lp_pool3d" => |a| [f::lp_pool3d(a.tensor(0), a.f64(1), a.array(2), stride(a, 3), a.bool(4))?];
        "adaptive_avg_pool1d" => |a| [f::adaptive_avg_pool1d(a.tensor(0), kept(a))?];
        "adaptive_avg_pool2d" => |a| [f::adaptive_avg_pool2d(a.tensor(0), kept(a))?];
        "adaptive_avg_pool3d" => |a| [f::adaptive_avg_pool3d(a.tensor(0), kept(a))?];
        "adaptive_max_pool1d" => |a| <[_; 2]>::from(f::adaptive_max_pool1d_with_indices(a.tensor(0), kept(a))?);
        "adaptive_max_pool2d" => |a| <[_; 2]>::from(f::adaptive_max_pool2d_with_indices(a.tensor(0), kept(a))?);
        "adaptive_max_pool3d" => |a| <[_; 2]>::from(f::adaptive_max_pool3d_with_indices(a.tensor(0), kept(a))?);
        "interpolate" => |a| {
            let resize = match a.f64_or_none(2) {
                Some(factor) => Resize::Scale(vec![factor]),
                None => Resize::Size(a.sizes(1)),
            };
            [f::interpolate(a.tensor(0), &resize, InterpolateMode::of(a.text(3))?, a.bool(4))?]
        };
        "pixel_shuffle" => |a| [f::pixel_shuffle(a.tensor(0), a.size(1))?];
        "pixel_unshuffle" => |a| [f::pixel_unshuffle(a.tensor(0), a.size(1))?];
        "layer_norm" => |a| [
            f::layer_norm(a.tensor(0), &a.sizes(1), a.tensor_or_none(2), a.tensor_or_none(3), a.f64(4))?
        ];
        "rms_norm" => |a| [f::rms_norm(a.tensor(0), &a.sizes(1), a.tensor_or_none(2), a.f64_or_none(3))?];
        "group_norm" => |a| [
            f::group_norm(a.tensor(0), a.size(1), a.tensor_or_none(2), a.tensor_or_none(3), a.f64(4))?
        ];
        "local_response_norm" => |a| [
            f::local_response_norm(a.tensor(0), a.size(1), a.f64(2), a.f64(3), a.f64(4))?
        ];
        "instance_norm" => |a| [
            f::instance_norm(a.tensor(0), a.tensor_or_none(1), a.tensor_or_none(2), a.f64(3))?
        ];
        "batch_norm" => |a| batch_norm(a)?;
        "embedding" => |a| [f::embedding_with(a.tensor(0), a.tensor(1), &EmbeddingOptions {
            padding_idx: a.int_or_none(2),
            max_norm: a.f64_or_none(3),
            norm_type: a.f64(4),
            scale_grad_by_freq: a.bool(5),
        })?];
        "prelu" => |a| [f::prelu(a.tensor(0), a.tensor(1))?];
        "normalize" => |a| [f::normalize(a.tensor(0), a.f64(1), a.int(2), a.f64(3))?];
        "cosine_similarity" => |a| [f::cosine_similarity(a.tensor(0), a.tensor(1), a.int(2), a.f64(3))?];
        "attention" => |a| [f::scaled_dot_product_attention(a.tensor(0), a.tensor(1), a.tensor(2), AttentionOptions {
            mask: a.tensor_or_none(3),
            causal: a.bool(4),
            scale: a.f64_or_none(5),
            ..Default::default()
        })?];
        "dropout1d" => |a| [f::dropout1d(a.tensor(0), a.f64(1), a.bool(2))?];
        "dropout2d" => |a| [f::dropout2d(a.tensor(0), a.f64(1), a.bool(2))?];
        "dropout3d" => |a| [f::dropout3d(a.tensor(0), a.f64(1), a.bool(2))?];
        "alpha_dropout" => |a| [f::alpha_dropout(a.tensor(0), a.f64(1), a.bool(2))?];
        "feature_alpha_dropout" => |a| [f::feature_alpha_dropout(a.tensor(0), a.f64(1), a.bool(2))?];
        "rrelu" => |a| [f::rrelu(a.tensor(0), a.f64(1), a.f64(2), a.bool(3))?];
        "dropout" => |a| [f::dropout(a.tensor(0), a.f64(1), a.bool(2))?];
    }
}

fn one([size]: [usize; 1]) -> usize {
    size
}

/// The stride, padding, dilation and rounding from the second argument on.
fn max_options<const N: usize>(a: &Args) -> MaxPoolOptions<N> {
    MaxPoolOptions { stride: stride(a, 2), padding: a.array(3), dilation: a.array(4), ceil_mode: a.bool(5) }
}

/// The stride, padding, rounding and divisor from the second argument on.
fn average_options<const N: usize>(a: &Args) -> AvgPoolOptions<N> {
    AvgPoolOptions {
        stride: stride(a, 2),
        padding: a.array(3),
        ceil_mode: a.bool(4),
        count_include_pad: a.bool(5),
        divisor_override: (!a.is_none(6)).then(|| a.size(6)),
    }
}

/// The steps of windows, where there are any.
fn stride<const N: usize>(a: &Args, at: usize) -> Option<[usize; N]> {
    (!a.is_none(at)).then(|| a.array(at))
}

/// The output sizes of adaptive pooling.
fn kept<const N: usize>(a: &Args) -> [Option<usize>; N] {
    a.sizes_or_none(1).try_into().expect("a size for each axis")
}

/// The result, then the running statistics as they are left.
fn batch_norm(a: &Args) -> Result<Vec<Tensor>> {
    let running = a.tensor_or_none(1).zip(a.tensor_or_none(2));
    let options = BatchNormOptions { training: a.bool(5), momentum: a.f64(6), eps: a.f64(7) };
    let output = f::batch_norm(a.tensor(0), running, a.tensor_or_none(3), a.tensor_or_none(4), options)?;
    let mut results = vec![output];
    results.extend(running.map(|(mean, var)| [mean.clone(), var.clone()]).into_iter().flatten());
    Ok(results)
}
