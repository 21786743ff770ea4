//! Pooling, padding, normalisation of examples and dropout of channels in networks, compiled and op by op, and what dropout does
//! to numbers.

use rustorch::nn::Module;
use rustorch::nn::functional as F;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::check;
use rustorch_tests::turns::turn;

dim!(Batch, Length);

model! {
    /// Sequences of any length.
    Signals {
        pad: ReflectionPad1d([2, 1]),
        conv: Conv1d(_, 6, kernel = 4),
        norm: InstanceNorm1d(_, affine = true, track_running_stats = true),
        pool: MaxPool1d(3, stride = 1, padding = 1),
        drop: Dropout1d(0.3),
        mean: AvgPool1d(3, stride = 1, padding = 1, count_include_pad = false),
        last: AdaptiveMaxPool1d(2),
    }
    forward(x: [batch, 3, length]) -> ([batch, 6, length], [batch, 6, 2], [batch, 6, 3]) {
        let y = drop(pool(relu(norm(conv(pad(x))))));
        let z = mean(y);
        (z, last(z), adaptive_avg_pool1d(alpha_dropout(z, 0.2), 3))
    }
}

model! {
    Images<const C: usize> {
        pad: ReplicationPad2d([1, 0, 2, 1]),
        around: CircularPad2d(1),
        norm: InstanceNorm2d(C),
        conv: Conv2d(_, C, kernel = 3, bias = false),
        drop: Dropout2d(0.2),
        most: AdaptiveMaxPool2d([2, 3]),
        power: LPPool2d(3.0, 2),
    }
    forward(x: [batch, C, 5, 6]) -> ([batch, C, 2, 3], [batch, C, 4, 3]) {
        let y = drop(norm(conv(around(x)))) + x;
        (most(y), power(exp(pad(y))))
    }
}

model! {
    Volumes {
        pad: ConstantPad3d([1, 0, 0, 1, 1, 1], 0.5),
        conv: Conv3d(_, 4, kernel = 2),
        norm: BatchNorm3d(_),
        pool: MaxPool3d(2, stride = 1),
        drop: Dropout3d(0.2),
        zeros: ZeroPad3d(1),
        mean: AvgPool3d([2, 2, 1], divisor_override = 3),
        all: AdaptiveAvgPool3d(1),
    }
    forward(x: [batch, 2, 3, 4, 4]) -> ([batch, 4, 2, 2, 5], [batch, 4, 1, 1, 1]) {
        let y = drop(pool(relu(norm(conv(pad(x))))));
        (mean(zeros(y)), all(y))
    }
}

#[test]
fn layers_of_sequences_are_the_same_compiled() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, length: usize| vec![Tensor::randn([batch, 3, length])];
    check(&Signals::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, 3, Length]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn layers_of_images_are_the_same_compiled() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 3, 5, 6])];
    check(&Images::<3>::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 3, 5, 6]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

#[test]
fn layers_of_volumes_are_the_same_compiled() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 2, 3, 4, 4])];
    check(&Volumes::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 2, 3, 4, 4]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

/// A length that a mirror does not fit is an error of the run, since only the run knows it.
#[test]
fn lengths_that_only_a_run_knows_are_compared_with_the_padding() -> Result<()> {
    let _turn = turn();
    let (model, short) = (Signals::new(), Tensor::randn([2, 3, 2]));
    let error = model.try_forward(&short.typed::<shape![Batch, 3, Length]>()?).unwrap_err().to_string();
    assert!(error.contains("padding by 2") && error.contains("is 2"), "{error}");
    Ok(())
}

/// Which elements of a function's result are zero, by channel: all or none.
fn dropped(y: &Tensor, channels: usize) -> Vec<bool> {
    let values = y.to_vec::<f32>().expect("floats");
    let size = values.len() / channels;
    let of = |channel: &[f32]| {
        let zeros = channel.iter().filter(|value| **value == 0.0).count();
        assert!(zeros == 0 || zeros == size, "{zeros} of {size}");
        assert!(zeros == size || channel.iter().all(|value| (value - 1.0 / 0.7).abs() < 1e-6));
        zeros == size
    };
    values.chunks(size).map(of).collect()
}

#[test]
fn channels_drop_out_as_a_whole_and_as_often_as_they_should() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    type Function = fn(&Tensor, f64, bool) -> Result<Tensor>;
    let cases: [(Function, &[usize]); 5] = [
        (F::dropout1d, &[50, 40, 3]),
        (F::dropout1d, &[2000, 3]),
        (F::dropout2d, &[50, 40, 2, 2]),
        (F::dropout2d, &[50, 40, 2]),
        (F::dropout3d, &[2000, 1, 2, 2]),
    ];
    for (function, shape) in cases {
        let x = Tensor::ones(shape).requires_grad_(true)?;
        let y = function(&x, 0.3, true)?;
        let zeros = dropped(&y, 2000);
        let share = zeros.iter().filter(|zero| **zero).count() as f64 / 2000.0;
        assert!((share - 0.3).abs() < 0.05, "{shape:?}: {share}");
        y.sum().backward()?;
        assert_eq!(x.grad().expect("a gradient").to_vec::<f32>()?, y.to_vec::<f32>()?, "{shape:?}");
    }
    Ok(())
}

#[test]
fn alpha_dropout_keeps_mean_and_variance() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    for (function, shape) in [
        (F::alpha_dropout as fn(&Tensor, f64, bool) -> Result<Tensor>, vec![100_000]),
        (F::feature_alpha_dropout, vec![200, 500, 2]),
    ] {
        let y = function(&Tensor::randn(shape.as_slice()), 0.4, true)?;
        let (mean, std) = (y.mean().item::<f32>()?, y.std().item::<f32>()?);
        assert!(mean.abs() < 0.03 && (std - 1.0).abs() < 0.03, "{mean} {std}");
    }
    Ok(())
}

#[test]
fn running_statistics_of_instances_are_the_means_of_the_examples() -> Result<()> {
    let layer = rustorch::nn::InstanceNorm1d::builder(1).track_running_stats(true).momentum(0.5).build()?;
    let x = Tensor::from([[[1.0f32, 3.0]], [[5.0, 5.0]]]);
    rustorch::nn::Layer::forward(&layer, &x)?;
    // Means 2 and 5, unbiased variances 2 and 0.
    assert_eq!(layer.running_mean.as_ref().unwrap().item::<f32>()?, 1.75);
    assert_eq!(layer.running_var.as_ref().unwrap().item::<f32>()?, 1.0);
    layer.eval();
    let y = rustorch::nn::Layer::forward(&layer, &x)?.to_vec::<f32>()?;
    assert!((y[0] + 0.75).abs() < 1e-4 && (y[2] - 3.25).abs() < 1e-4, "{y:?}");
    Ok(())
}
