//! Convolutions against finite differences, to second order.

use rustorch::autograd::{gradcheck, gradgradcheck};
use rustorch::nn::functional::{self as f, Conv2dOptions, Padding};
use rustorch::nn::{Conv2d, Layer};
use rustorch::{DType, PadMode, Result, Tensor, no_grad};

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

/// PyTorch loses the output channels here.
#[test]
fn no_input_channels_leave_the_bias() -> Result<()> {
    let bias = Tensor::from([1.0f32, -2.0]);
    let y = f::conv2d(
        &Tensor::zeros([1, 0, 3, 3]),
        &Tensor::zeros([2, 0, 3, 2]),
        Some(&bias),
        Conv2dOptions::default(),
    )?;
    assert_eq!((y.shape(), y.to_vec::<f32>()?), (&[1, 2, 1, 2][..], vec![1.0, 1.0, -2.0, -2.0]));
    Ok(())
}

#[test]
fn padding_modes_of_layers_pad_the_input() -> Result<()> {
    let x = Tensor::randn([1, 2, 4, 5]);
    for (name, mode) in
        [("reflect", PadMode::Reflect), ("replicate", PadMode::Replicate), ("circular", PadMode::Circular)]
    {
        let layer = Conv2d::builder(2, 3, [3, 2]).padding([2, 1]).padding_mode(name).build()?;
        let padded = x.pad([1, 1, 2, 2], mode)?;
        let expected = f::conv2d(&padded, &layer.weight, layer.bias.as_ref(), Conv2dOptions::default())?;
        assert_eq!(layer.forward(&x)?.to_vec::<f32>()?, expected.to_vec::<f32>()?);
        let same = Conv2d::builder(2, 3, [3, 2]).padding("same").padding_mode(name).build()?;
        assert_eq!(same.forward(&x)?.shape(), [1, 3, 4, 5]);
        assert!(format!("{same:?}").ends_with(&format!("padding=same, padding_mode={name})")));
    }
    Ok(())
}

#[test]
fn transposed_convolutions_differentiate_to_second_order() -> Result<()> {
    let options = f::ConvTranspose3dOptions {
        stride: [2, 1, 2],
        padding: [1, 0, 1],
        output_padding: [1, 0, 0],
        ..Default::default()
    };
    let [x, w, b] = [leaf(&[1, 2, 3, 2, 2])?, leaf(&[2, 1, 2, 2, 2])?, leaf(&[1])?];
    let inputs = [&x, &w, &b];
    let run = |inputs: &[Tensor]| f::conv_transpose3d(&inputs[0], &inputs[1], Some(&inputs[2]), options);
    gradcheck(run, &inputs, Default::default())?;
    gradgradcheck(run, &inputs, Default::default())?;
    Ok(())
}

/// Weights kept in a kernel's order must not outlive a change of the weight.
#[test]
fn inference_sees_changed_weights() -> Result<()> {
    let x = Tensor::randn([1, 16, 12, 12]);
    let weight = Tensor::randn([32, 16, 3, 3]);
    let run = |w: &Tensor| no_grad(|| f::conv2d(&x, w, None, Conv2dOptions::default()));
    let first = run(&weight)?;
    assert_eq!(run(&weight)?.to_vec::<f32>()?, first.to_vec::<f32>()?);
    let half = weight.narrow(0, 16, 16)?;
    assert_eq!(run(&half)?.to_vec::<f32>()?, first.narrow(1, 16, 16)?.contiguous().to_vec::<f32>()?);
    no_grad(|| weight.mul_(2.0))?;
    assert_eq!(run(&weight)?.to_vec::<f32>()?, first.mul(2.0)?.to_vec::<f32>()?);
    Ok(())
}
