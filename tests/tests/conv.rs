//! Convolutions against finite differences, to second order.

use rustorch::autograd::{gradcheck, gradgradcheck};
use rustorch::nn::functional::{self as f, Conv2dOptions, Padding};
use rustorch::{DType, Result, Tensor};

fn leaf(shape: &[usize]) -> Result<Tensor> {
    Tensor::randn_with(shape, DType::F64).requires_grad_(true)
}

#[test]
fn conv2d_differentiates_to_second_order() -> Result<()> {
    let plain = Conv2dOptions::default();
    let cases = [
        ([2, 4, 5, 6], [6, 2, 3, 2], Conv2dOptions { groups: 2, padding: 1.into(), ..plain }),
        ([1, 2, 7, 7], [3, 2, 3, 3], Conv2dOptions { stride: [2, 3], padding: [2, 0].into(), ..plain }),
        ([2, 1, 6, 6], [2, 1, 2, 3], Conv2dOptions { dilation: [2, 1], padding: Padding::Same, ..plain }),
    ];
    for (x, w, options) in cases {
        let [x, w, b] = [leaf(&x)?, leaf(&w)?, leaf(&w[..1])?];
        let inputs = [&x, &w, &b];
        let conv = |inputs: &[Tensor]| f::conv2d(&inputs[0], &inputs[1], Some(&inputs[2]), options);
        gradcheck(conv, &inputs, Default::default())?;
        gradgradcheck(conv, &inputs, Default::default())?;
    }
    Ok(())
}

#[test]
fn conv_errors_name_the_sizes() {
    let (x, w) = (Tensor::zeros([1, 3, 4, 4]), Tensor::zeros([2, 4, 3, 3]));
    let message = f::conv2d(&x, &w, None, Conv2dOptions::default()).unwrap_err().to_string();
    assert!(message.contains('3') && message.contains('4'), "{message}");
    let wide = Tensor::zeros([2, 3, 5, 5]);
    assert!(f::conv2d(&x, &wide, None, Conv2dOptions::default()).is_err());
    let none = Conv2dOptions { stride: [0, 1], ..Default::default() };
    assert!(f::conv2d(&x, &Tensor::zeros([2, 3, 1, 1]), None, none).is_err());
}
