//! Convolutions by themselves: depthwise ones, at places of MobileNetV2 and V3.

use std::hint::black_box;

use rustorch::autograd::GradOptions;
use rustorch::nn::functional::{Conv2dOptions, conv2d};
use rustorch::{Result, Tensor};

use super::{Row, Step};

pub fn rows() -> Vec<Row> {
    vec![
        depthwise(144, 56, 3, 1),
        depthwise(384, 14, 3, 1),
        depthwise(960, 7, 3, 1),
        depthwise(96, 112, 3, 2),
        depthwise(576, 14, 3, 2),
        depthwise(120, 28, 5, 1),
    ]
}

/// A kernel per channel, of 32 images, and the gradients of input and weight.
fn depthwise(channels: usize, size: usize, kernel: usize, stride: usize) -> Row {
    let steps = if stride == 1 { String::new() } else { format!(" stride {stride}") };
    let name = format!("conv2d depthwise {kernel}x{kernel}{steps} b32 c{channels} {size} forward backward");
    Row::time(name, move || {
        let x = Tensor::randn([32, channels, size, size]).requires_grad_(true)?;
        let w = Tensor::randn([channels, 1, kernel, kernel]).requires_grad_(true)?;
        let out = size.div_ceil(stride);
        let dy = Tensor::randn([32, channels, out, out]);
        let step = move || -> Result<()> {
            let options = Conv2dOptions {
                padding: (kernel / 2).into(),
                stride: [stride; 2],
                groups: channels,
                ..Default::default()
            };
            let y = conv2d(&x, &w, None, options)?;
            y.backward_with(Some(&dy), GradOptions::default())?;
            x.set_grad(None)?;
            w.set_grad(None)?;
            drop(black_box(y));
            Ok(())
        };
        step()?;
        Ok(Box::new(move || step().expect("it has run before")) as Step)
    })
}
