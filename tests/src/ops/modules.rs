//! Layers as modules, built from options and given parameters and buffers.

use rustorch::nn::{self, Layer};
use rustorch::{Result, Tensor};

use super::{Table, table};
use crate::golden::Args;

/// A layer of batch or instance normalisation, its output and its buffers.
macro_rules! batch_norm {
    ($a:ident, $layer:ty) => {{
        let builder = <$layer>::builder($a.size(3)).eps($a.f64(4)).momentum($a.f64_or_none(5));
        let bias = $a.is_none(8) || $a.bool(8);
        let builder = builder.affine($a.bool(6)).bias(bias).track_running_stats($a.bool(7));
        let mut layer = builder.build()?;
        let mut state = $a.tensors(2).into_iter();
        if $a.bool(6) {
            layer.weight = state.next();
            layer.bias = bias.then(|| state.next()).flatten();
        }
        (layer.running_mean, layer.running_var) = (state.next(), state.next());
        layer.num_batches_tracked = state.next();
        let mut results = run($a, &layer)?;
        results
            .extend([layer.running_mean, layer.running_var, layer.num_batches_tracked].into_iter().flatten());
        results
    }};
}

/// A layer of max pooling and its output.
macro_rules! max_pool {
    ($a:ident, $layer:ty, $axes:literal) => {{
        let builder = <$layer>::builder($a.array::<$axes>(3)).stride($a.array::<$axes>(4));
        let builder = builder.padding($a.array::<$axes>(5)).dilation($a.array::<$axes>(6));
        run($a, &builder.ceil_mode($a.bool(7)).build()?)?
    }};
}

/// The builder of a layer of average pooling.
macro_rules! avg_pool {
    ($a:ident, $layer:ty, $axes:literal) => {
        <$layer>::builder($a.array::<$axes>(3))
            .stride($a.array::<$axes>(4))
            .padding($a.array::<$axes>(5))
            .ceil_mode($a.bool(6))
            .count_include_pad($a.bool(7))
    };
}

/// A layer of power-average pooling and its output.
macro_rules! lp_pool {
    ($a:ident, $layer:ty, $axes:literal) => {{
        let builder = <$layer>::builder($a.f64(3), $a.array::<$axes>(4)).stride($a.array::<$axes>(5));
        run($a, &builder.ceil_mode($a.bool(6)).build()?)?
    }};
}

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "Linear" => |a| {
            let mut layer = nn::Linear::builder(a.size(3), a.size(4)).bias(a.bool(5)).build()?;
            (layer.weight, layer.bias) = weights(a);
            run(a, &layer)?
        };
        "Conv1d" => |a| {
            let builder = nn::Conv1d::builder(a.size(3), a.size(4), a.array::<1>(5)).stride(a.array::<1>(6));
            let builder = match a.is_text(7) {
                true => builder.padding(a.text(7)),
                false => builder.padding(a.array::<1>(7)),
            };
            let builder = builder.dilation(a.array::<1>(8)).groups(a.size(9)).bias(a.bool(10));
            let mode = if a.is_none(11) { "zeros" } else { a.text(11) };
            let mut layer = builder.padding_mode(mode).build()?;
            (layer.weight, layer.bias) = weights(a);
            run(a, &layer)?
        };
        "Conv2d" => |a| {
            let builder = nn::Conv2d::builder(a.size(3), a.size(4), a.array::<2>(5)).stride(a.array::<2>(6));
            let builder = match a.is_text(7) {
                true => builder.padding(a.text(7)),
                false => builder.padding(a.array::<2>(7)),
            };
            let builder = builder.dilation(a.array::<2>(8)).groups(a.size(9)).bias(a.bool(10));
            let mode = if a.is_none(11) { "zeros" } else { a.text(11) };
            let mut layer = builder.padding_mode(mode).build()?;
            (layer.weight, layer.bias) = weights(a);
            run(a, &layer)?
        };
        "BatchNorm1d" => |a| batch_norm!(a, nn::BatchNorm1d);
        "BatchNorm2d" => |a| batch_norm!(a, nn::BatchNorm2d);
        "BatchNorm3d" => |a| batch_norm!(a, nn::BatchNorm3d);
        "InstanceNorm1d" => |a| batch_norm!(a, nn::InstanceNorm1d);
        "InstanceNorm2d" => |a| batch_norm!(a, nn::InstanceNorm2d);
        "InstanceNorm3d" => |a| batch_norm!(a, nn::InstanceNorm3d);
        "ZeroPad1d" => |a| run(a, &nn::ZeroPad1d::new(a.array::<2>(3)))?;
        "ZeroPad2d" => |a| run(a, &nn::ZeroPad2d::new(a.array::<4>(3)))?;
        "ZeroPad3d" => |a| run(a, &nn::ZeroPad3d::new(a.array::<6>(3)))?;
        "ConstantPad1d" => |a| run(a, &nn::ConstantPad1d::new(a.array::<2>(3), a.f64(4)))?;
        "ConstantPad2d" => |a| run(a, &nn::ConstantPad2d::new(a.array::<4>(3), a.f64(4)))?;
        "ConstantPad3d" => |a| run(a, &nn::ConstantPad3d::new(a.array::<6>(3), a.f64(4)))?;
        "ReflectionPad1d" => |a| run(a, &nn::ReflectionPad1d::new(a.array::<2>(3)))?;
        "ReflectionPad2d" => |a| run(a, &nn::ReflectionPad2d::new(a.array::<4>(3)))?;
        "ReflectionPad3d" => |a| run(a, &nn::ReflectionPad3d::new(a.array::<6>(3)))?;
        "ReplicationPad1d" => |a| run(a, &nn::ReplicationPad1d::new(a.array::<2>(3)))?;
        "ReplicationPad2d" => |a| run(a, &nn::ReplicationPad2d::new(a.array::<4>(3)))?;
        "ReplicationPad3d" => |a| run(a, &nn::ReplicationPad3d::new(a.array::<6>(3)))?;
        "CircularPad1d" => |a| run(a, &nn::CircularPad1d::new(a.array::<2>(3)))?;
        "CircularPad2d" => |a| run(a, &nn::CircularPad2d::new(a.array::<4>(3)))?;
        "CircularPad3d" => |a| run(a, &nn::CircularPad3d::new(a.array::<6>(3)))?;
        "Dropout1d" => |a| run(a, &nn::Dropout1d::new(a.f64(3)))?;
        "Dropout2d" => |a| run(a, &nn::Dropout2d::new(a.f64(3)))?;
        "Dropout3d" => |a| run(a, &nn::Dropout3d::new(a.f64(3)))?;
        "AlphaDropout" => |a| run(a, &nn::AlphaDropout::new(a.f64(3)))?;
        "FeatureAlphaDropout" => |a| run(a, &nn::FeatureAlphaDropout::new(a.f64(3)))?;
        "RReLU" => |a| run(a, &nn::RReLU::builder().lower(a.f64(3)).upper(a.f64(4)).build()?)?;
        "LayerNorm" => |a| {
            let builder = nn::LayerNorm::builder(a.sizes(3)).eps(a.f64(4));
            let mut layer = builder.elementwise_affine(a.bool(5)).bias(a.bool(6)).build()?;
            (layer.weight, layer.bias) = (a.tensors(2).first().cloned(), a.tensors(2).get(1).cloned());
            run(a, &layer)?
        };
        "GroupNorm" => |a| {
            let builder = nn::GroupNorm::builder(a.size(3), a.size(4)).eps(a.f64(5)).affine(a.bool(6));
            let mut layer = builder.bias(a.is_none(7) || a.bool(7)).build()?;
            (layer.weight, layer.bias) = (a.tensors(2).first().cloned(), a.tensors(2).get(1).cloned());
            run(a, &layer)?
        };
        "RMSNorm" => |a| {
            let mut layer = nn::RMSNorm::builder(a.sizes(3)).eps(a.f64(4)).elementwise_affine(a.bool(5)).build()?;
            layer.weight = a.tensors(2).first().cloned();
            run(a, &layer)?
        };
        "Embedding" => |a| {
            let builder = nn::Embedding::builder(a.size(3), a.size(4)).scale_grad_by_freq(a.bool(6));
            let mut layer = match a.int_or_none(5) {
                Some(padding) => builder.padding_idx(padding).build()?,
                None => builder.build()?,
            };
            layer.weight = weights(a).0;
            run(a, &layer)?
        };
        "MaxPool1d" => |a| max_pool!(a, nn::MaxPool1d, 1);
        "MaxPool2d" => |a| max_pool!(a, nn::MaxPool2d, 2);
        "MaxPool3d" => |a| max_pool!(a, nn::MaxPool3d, 3);
        "AvgPool1d" => |a| run(a, &avg_pool!(a, nn::AvgPool1d, 1).build()?)?;
        "AvgPool2d" => |a| {
            run(a, &avg_pool!(a, nn::AvgPool2d, 2).divisor_override((!a.is_none(8)).then(|| a.size(8))).build()?)?
        };
        "AvgPool3d" => |a| {
            run(a, &avg_pool!(a, nn::AvgPool3d, 3).divisor_override((!a.is_none(8)).then(|| a.size(8))).build()?)?
        };
        "AdaptiveAvgPool1d" => |a| run(a, &nn::AdaptiveAvgPool1d::new(kept::<1>(a)))?;
        "AdaptiveAvgPool2d" => |a| run(a, &nn::AdaptiveAvgPool2d::new(kept::<2>(a)))?;
        "AdaptiveAvgPool3d" => |a| run(a, &nn::AdaptiveAvgPool3d::new(kept::<3>(a)))?;
        "AdaptiveMaxPool1d" => |a| run(a, &nn::AdaptiveMaxPool1d::new(kept::<1>(a)))?;
        "AdaptiveMaxPool2d" => |a| run(a, &nn::AdaptiveMaxPool2d::new(kept::<2>(a)))?;
        "AdaptiveMaxPool3d" => |a| run(a, &nn::AdaptiveMaxPool3d::new(kept::<3>(a)))?;
        "LPPool1d" => |a| lp_pool!(a, nn::LPPool1d, 1);
        "LPPool2d" => |a| lp_pool!(a, nn::LPPool2d, 2);
        "LPPool3d" => |a| lp_pool!(a, nn::LPPool3d, 3);
        "Flatten" => |a| run(a, &nn::Flatten::builder().start_dim(a.int(3)).end_dim(a.int(4)).build()?)?;
        "Softmax" => |a| run(a, &nn::Softmax::new(a.int(3)))?;
        "LogSoftmax" => |a| run(a, &nn::LogSoftmax::new(a.int(3)))?;
        "ReLU" => |a| run(a, &nn::ReLU::new())?;
        "SiLU" => |a| run(a, &nn::SiLU::new())?;
        "Tanh" => |a| run(a, &nn::Tanh::new())?;
        "Sigmoid" => |a| run(a, &nn::Sigmoid::new())?;
        "GELU" => |a| run(a, &nn::GELU::builder().approximate(a.text(3)).build()?)?;
        "LeakyReLU" => |a| run(a, &nn::LeakyReLU::new(a.f64(3)))?;
        "ELU" => |a| run(a, &nn::ELU::new(a.f64(3)))?;
        "Dropout" => |a| run(a, &nn::Dropout::new(a.f64(3)))?;
        "Sequential" => |a| {
            let state = a.tensors(2);
            let linear = |from, to, at: usize| {
                let mut layer = nn::Linear::new(from, to);
                (layer.weight, layer.bias) = (state[at].clone(), state.get(at + 1).cloned());
                layer
            };
            let chain = nn::Sequential::new().add(linear(a.size(3), a.size(4), 0)).add(nn::Tanh::new());
            run(a, &chain.add(linear(a.size(4), a.size(5), 2)))?
        };
    }
}

/// The output sizes of adaptive pooling.
fn kept<const N: usize>(a: &Args) -> [Option<usize>; N] {
    a.sizes_or_none(3).try_into().expect("a size for each axis")
}

/// The weight and, if there is one, the bias.
fn weights(a: &Args) -> (Tensor, Option<Tensor>) {
    let state = a.tensors(2);
    (state[0].clone(), state.get(1).cloned())
}

/// The output in the mode that the case asks for.
fn run(a: &Args, layer: &impl Layer) -> Result<Vec<Tensor>> {
    if a.bool(1) {
        layer.train();
    } else {
        layer.eval();
    }
    Ok(vec![layer.forward(a.tensor(0))?])
}
