//! `nn::functional`: derivatives against finite differences, values at the edges, and errors with numbers in them.

use rustorch::autograd::{gradcheck, gradgradcheck};
use rustorch::nn::functional as F;
use rustorch::nn::{self, Layer};
use rustorch::{Result, Tensor};

type Function = fn(&Tensor) -> Result<Tensor>;

/// Numbers without ties, of the given shape.
fn input(shape: &[usize]) -> Result<Tensor> {
    let numel: usize = shape.iter().product();
    let values: Vec<f64> = (0..numel).map(|i| (i as f64 * 0.7 + 0.3).sin() * 2.0 + 0.01 * i as f64).collect();
    Tensor::from_vec(values, shape)?.requires_grad_(true)
}

fn labels() -> Tensor {
    Tensor::from([2i64, 0, -100, 1])
}

/// Probabilities of the shape of the losses' input.
fn soft_labels() -> Result<Tensor> {
    input(&[4, 3])?.detach().softmax(1)
}

const WEIGHT: [f64; 3] = [0.5, 2.0, 1.0];

const ROWS: &[(&str, Function)] = &[
    ("nll_loss", |x| F::nll_loss(&x.log_softmax(1)?, &labels(), &Default::default())),
    ("nll_loss weighted", |x| {
        let options = F::CrossEntropyOptions { weight: Some(Tensor::from(WEIGHT)), ..Default::default() };
        F::nll_loss(x, &labels(), &options)
    }),
    ("smooth_l1_loss", |x| F::smooth_l1_loss(x, &soft_labels()?, 0.7, F::Reduction::Mean)),
    ("huber_loss", |x| F::huber_loss(x, &soft_labels()?, 0.7, F::Reduction::Sum)),
    ("bce", |x| F::binary_cross_entropy(&x.sigmoid(), &soft_labels()?, None, F::Reduction::Mean)),
    ("bce_with_logits", |x| {
        let weight = Tensor::from(WEIGHT);
        F::binary_cross_entropy_with_logits(x, &soft_labels()?, None, Some(&weight), F::Reduction::Mean)
    }),
    ("kl_div", |x| F::kl_div(&x.log_softmax(1)?, &soft_labels()?, F::KlReduction::BatchMean, false)),
    ("normalize", |x| F::normalize(x, 2.0, 1, 1e-12)),
    ("cosine_similarity", |x| F::cosine_similarity(x, &soft_labels()?, 1, 1e-8)),
    ("layer_norm", |x| {
        F::layer_norm(x, &[3], Some(&Tensor::from(WEIGHT)), Some(&Tensor::from(WEIGHT)), 1e-5)
    }),
    ("rms_norm", |x| F::rms_norm(x, &[3], Some(&Tensor::from(WEIGHT)), 1e-5)),
    ("batch_norm", |x| {
        let options = F::BatchNormOptions { training: true, ..Default::default() };
        F::batch_norm(x, None, Some(&Tensor::from(WEIGHT)), None, options)
    }),
    ("embedding", |x| F::embedding(&Tensor::from([[1i64, 3], [1, 0]]), x, None)),
    ("attention", |x| {
        let options = F::AttentionOptions { causal: true, ..Default::default() };
        F::scaled_dot_product_attention(x, &x.mul(0.5)?, &x.sin(), options)
    }),
];

const IMAGES: &[(&str, Function)] = &[
    ("group_norm", |x| F::group_norm(x, 2, None, Some(&Tensor::from([1.0f64, 2.0, 3.0, 4.0])), 1e-5)),
    ("instance_norm", |x| F::instance_norm(x, None, None, 1e-5)),
    ("layer_norm over two axes", |x| F::layer_norm(x, &[3, 2], None, None, 1e-5)),
];

fn check(functions: &[(&str, Function)], shape: &[usize]) -> Result<()> {
    let x = input(shape)?;
    for (name, function) in functions {
        let f = |inputs: &[Tensor]| function(&inputs[0]);
        gradcheck(f, &[&x], Default::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        gradgradcheck(f, &[&x], Default::default()).unwrap_or_else(|error| panic!("{name}, twice: {error}"));
    }
    Ok(())
}

#[test]
fn derivatives_of_rows() -> Result<()> {
    check(ROWS, &[4, 3])
}

#[test]
fn derivatives_of_images() -> Result<()> {
    check(IMAGES, &[2, 4, 3, 2])
}

#[test]
fn batch_norm_tracks_and_uses_running_statistics() -> Result<()> {
    let x = Tensor::from([[1.0f32], [3.0]]);
    let (mean, var) = (Tensor::zeros([1]), Tensor::ones([1]));
    let training = F::BatchNormOptions { training: true, momentum: 0.5, eps: 1e-30 };
    F::batch_norm(&x, Some((&mean, &var)), None, None, training)?;
    assert_eq!((mean.item::<f32>()?, var.item::<f32>()?), (1.0, 1.5));
    let evaluation = F::BatchNormOptions { eps: 0.0, ..Default::default() };
    let y = F::batch_norm(&Tensor::from([[1.0f32]]), Some((&mean, &var)), None, None, evaluation)?;
    assert_eq!(y.item::<f32>()?, 0.0);
    let one = F::batch_norm(&Tensor::from([[1.0f32]]), None, None, None, training).unwrap_err().to_string();
    assert!(one.contains("[1, 1]"), "{one}");
    Ok(())
}

#[test]
fn without_momentum_running_statistics_are_means_of_batches() -> Result<()> {
    let layer = nn::BatchNorm1d::builder(1).momentum(None).build()?;
    for batch in [[0.0f32, 2.0], [4.0, 8.0], [1.0, 3.0]] {
        layer.forward(&Tensor::from(batch).reshape([2, 1])?)?;
    }
    let [mean, var] = [&layer.running_mean, &layer.running_var].map(|tensor| tensor.as_ref().unwrap());
    assert!((mean.item::<f32>()? - 3.0).abs() < 1e-6 && (var.item::<f32>()? - 4.0).abs() < 1e-6);
    layer.forward(&Tensor::zeros([0, 1]))?;
    assert!((mean.item::<f32>()? - 3.0).abs() < 1e-6, "an empty batch has no mean");
    assert!(format!("{layer:?}").contains("momentum=None"));
    Ok(())
}

#[test]
fn no_gradient_of_a_logarithm_stays_none_where_that_is_infinite() -> Result<()> {
    let x = Tensor::from([2.0f32, 3.0]).requires_grad_(true)?;
    let losses = x.xlogy(&Tensor::from([0.0f32, 1.0]))?;
    Tensor::where_(&Tensor::from([false, true]), &losses, 0.0)?.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0, 0.0]);
    Ok(())
}

#[test]
fn padding_receives_no_gradient() -> Result<()> {
    let table = Tensor::ones([3, 2]).requires_grad_(true)?;
    F::embedding(&Tensor::from([0i64, 2, 0]), &table, 0)?.sum().backward()?;
    assert_eq!(table.grad().unwrap().to_vec::<f32>()?, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    Ok(())
}

#[test]
fn a_position_that_sees_nothing_gives_zeros() -> Result<()> {
    let x = input(&[2, 3])?;
    let mask = Tensor::from([[true, true], [false, false]]);
    let options = F::AttentionOptions { mask: Some(&mask), ..Default::default() };
    let y = F::scaled_dot_product_attention(&x, &x, &x, options)?;
    assert_eq!(y.select(0, 1)?.to_vec::<f64>()?, [0.0; 3]);
    y.sum().backward()?;
    assert!(x.grad().unwrap().isfinite().all().item::<bool>()?);
    Ok(())
}

#[test]
fn dropout_keeps_the_mean_and_the_gradient_its_mask() -> Result<()> {
    let x = Tensor::ones([100, 100]).requires_grad_(true)?;
    let y = x.dropout(0.25)?;
    assert!((y.mean().item::<f32>()? - 1.0).abs() < 0.05);
    y.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, y.to_vec::<f32>()?);
    assert!(x.dropout(1.5).unwrap_err().to_string().contains("1.5"));
    Ok(())
}
