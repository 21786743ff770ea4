//! Convolutions by themselves, depthwise ones at places of MobileNetV2 and V3, and images of twice the size.

use std::hint::black_box;

use rustorch::autograd::GradOptions;
use rustorch::nn::functional::{self as F, Conv2dOptions, InterpolateMode, Resize, conv2d};
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
        depthwise(240, 28, 5, 2),
        depthwise_infer(960, 7, 3, 1),
        depthwise_infer(960, 7, 5, 1),
        depthwise_infer(240, 28, 5, 2),
        interpolate("nearest", false),
        interpolate("bilinear", false),
        interpolate("nearest", true),
        interpolate("bilinear", true),
    ]
}

fn options(channels: usize, kernel: usize, stride: usize) -> Conv2dOptions {
    Conv2dOptions {
        padding: (kernel / 2).into(),
        stride: [stride; 2],
        groups: channels,
        ..Default::default()
    }
}

/// A kernel per channel, of 32 images, without gradients.
fn depthwise_infer(channels: usize, size: usize, kernel: usize, stride: usize) -> Row {
    let steps = if stride == 1 { String::new() } else { format!(" stride {stride}") };
    Row::time(format!("conv2d depthwise {kernel}x{kernel}{steps} b32 c{channels} {size}"), move || {
        let x = Tensor::randn([32, channels, size, size]);
        let w = Tensor::randn([channels, 1, kernel, kernel]);
        let step = move || conv2d(&x, &w, None, options(channels, kernel, stride));
        step()?;
        Ok(Box::new(move || drop(black_box(step().expect("it has run before")))) as Step)
    })
}

/// 16 images of 64 channels at 32², doubled, and the gradient.
fn interpolate(mode: &'static str, backward: bool) -> Row {
    let name =
        format!("interpolate {mode} 16x64x32x32 x2{}", if backward { " forward backward" } else { "" });
    Row::time(name, move || {
        let x = Tensor::randn([16, 64, 32, 32]).requires_grad_(backward)?;
        let dy = Tensor::randn([16, 64, 64, 64]);
        let mode = InterpolateMode::of(mode)?;
        let step = move || -> Result<()> {
            let y = F::interpolate(&x, &Resize::Scale(vec![2.0]), mode, false)?;
            if backward {
                y.backward_with(Some(&dy), GradOptions::default())?;
                x.set_grad(None)?;
            }
            drop(black_box(y));
            Ok(())
        };
        step()?;
        Ok(Box::new(move || step().expect("it has run before")) as Step)
    })
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
            let y = conv2d(&x, &w, None, options(channels, kernel, stride))?;
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
