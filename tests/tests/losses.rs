//! Cross-entropy, softmax and pooling against finite differences and against each other.

use rustorch::autograd::{gradcheck, gradgradcheck};
use rustorch::nn::functional::{
    self as f, AvgPool2dOptions, CrossEntropyOptions, MaxPool2dOptions, Reduction,
};
use rustorch::{DType, Result, Tensor, manual_seed};
use rustorch_tests::turns::turn;

fn leaf(shape: &[usize]) -> Result<Tensor> {
    Tensor::randn_with(shape, DType::F64).requires_grad_(true)
}

fn check(inputs: &[&Tensor], function: impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<()> {
    gradcheck(&function, inputs, Default::default())?;
    gradgradcheck(&function, inputs, Default::default())
}

#[test]
fn softmax_over_any_axis() -> Result<()> {
    let _turn = turn();
    manual_seed(1);
    let x = leaf(&[2, 3, 4])?;
    for axis in [0, 1, -1] {
        check(&[&x], |inputs| inputs[0].softmax(axis))?;
        check(&[&x], |inputs| inputs[0].log_softmax(axis))?;
        assert!(
            x.softmax(axis)?
                .sum_dim(axis, false)?
                .sub(1.0)?
                .abs()
                .lt(1e-12)?
                .to_vec::<bool>()?
                .iter()
                .all(|&b| b)
        );
    }
    Ok(())
}

#[test]
fn cross_entropy_of_labels_is_that_of_their_distributions() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    let x = leaf(&[5, 3])?;
    let labels = Tensor::from([0i64, 2, 1, -100, 2]);
    let weight = Tensor::from([0.5f64, 1.0, 2.0]);
    let all = [
        CrossEntropyOptions::default(),
        CrossEntropyOptions { label_smoothing: 0.1, reduction: Reduction::Sum, ..Default::default() },
        CrossEntropyOptions { weight: Some(weight), label_smoothing: 0.2, ..Default::default() },
        CrossEntropyOptions { reduction: Reduction::None, ..Default::default() },
    ];
    for options in all {
        check(&[&x], |inputs| f::cross_entropy_with(&inputs[0], &labels, &options))?;
    }
    let image = leaf(&[2, 3, 2, 2])?;
    let places = Tensor::from([[[0i64, 1], [2, 0]], [[1, 1], [0, 2]]]);
    check(&[&image], |inputs| f::cross_entropy(&inputs[0], &places))?;
    let one_hot = Tensor::from([[1.0f64, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    let rows = x.narrow(0, 0, 2)?;
    let (a, b) = (f::cross_entropy(&rows, &one_hot)?, f::cross_entropy(&rows, &Tensor::from([0i64, 2]))?);
    assert!((a.item::<f64>()? - b.item::<f64>()?).abs() < 1e-12);
    Ok(())
}

#[test]
fn bad_labels_are_named() -> Result<()> {
    let _turn = turn();
    let x = Tensor::zeros([2, 3]);
    let message = f::cross_entropy(&x, &Tensor::from([0i64, 3])).unwrap_err().to_string();
    assert!(message.contains("label 3") && message.contains("3 classes"), "{message}");
    assert!(f::cross_entropy(&x, &Tensor::from([0i64])).unwrap_err().to_string().contains("[1]"));
    assert!(f::cross_entropy(&x, &Tensor::from([true, false])).is_err());
    Ok(())
}

#[test]
fn pooling_differentiates_to_second_order() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    let x = leaf(&[2, 2, 5, 6])?;
    let max = [
        MaxPool2dOptions::default(),
        MaxPool2dOptions { stride: Some([1, 2]), padding: [1, 1], ceil_mode: true, ..Default::default() },
        MaxPool2dOptions { dilation: [2, 1], ..Default::default() },
    ];
    for options in max {
        check(&[&x], |inputs| f::max_pool2d(&inputs[0], [2, 2], options))?;
    }
    let average = [
        AvgPool2dOptions::default(),
        AvgPool2dOptions { padding: [1, 0], count_include_pad: false, ceil_mode: true, ..Default::default() },
        AvgPool2dOptions { stride: Some([1, 1]), divisor_override: Some(7), ..Default::default() },
    ];
    for options in average {
        check(&[&x], |inputs| f::avg_pool2d(&inputs[0], [3, 2], options))?;
    }
    check(&[&x], |inputs| f::adaptive_avg_pool2d(&inputs[0], [Some(2), Some(4)]))
}
