//! Convolutions by themselves: depthwise ones, at two places of MobileNetV2.

use std::hint::black_box;

use rustorch::autograd::GradOptions;
use rustorch::nn::functional::{Conv2dOptions, conv2d};
use rustorch::{Result, Tensor};

use super::{Row, Step};

pub fn rows() -> Vec<Row> {
    vec![depthwise(32, 144, 56), depthwise(32, 384, 14)]
}

/// A 3×3 kernel per channel, and the gradients of input and weight.
fn depthwise(batch: usize, channels: usize, size: usize) -> Row {
    let name = format!("conv2d depthwise 3x3 b{batch} c{channels} {size} forward backward");
    Row::time(name, move || {
        let x = Tensor::randn([batch, channels, size, size]).requires_grad_(true)?;
        let w = Tensor::randn([channels, 1, 3, 3]).requires_grad_(true)?;
        let dy = Tensor::randn([batch, channels, size, size]);
        let step = move || -> Result<()> {
            let options = Conv2dOptions { padding: 1.into(), groups: channels, ..Default::default() };
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
