//! Training without `model!`: layers, functions and a tape, each operation by itself, as a program carried over from PyTorch has them.

use rustorch::nn::functional as f;
use rustorch::nn::{BatchNorm2d, Conv2d, Linear, Lstm, Module, TransformerEncoderLayer};
use rustorch::prelude::*;

use super::{Row, Step};

pub fn rows() -> Vec<Row> {
    vec![
        Row::time("eager mlp train adam b64", mlp),
        Row::time("eager convnet train adam b64", convnet),
        Row::time("eager encoder layer train adamw b8 t128", encoder),
        Row::time("eager lstm train adamw b32 t64", lstm),
        Row::time("eager batchnorm residuals train sgd b16", residuals),
        Row::time("eager chain of 100 64x64 forward backward", chain),
    ]
}

/// A training step: the loss, its gradients, an update.
fn train<O: optim::Optimizer + 'static>(
    mut optimiser: O,
    loss: impl Fn() -> rustorch::Result<Tensor> + 'static,
) -> rustorch::Result<Step> {
    let mut step = move || -> rustorch::Result<()> {
        let loss = loss()?;
        optimiser.zero_grad();
        loss.backward()?;
        optimiser.step()
    };
    step()?;
    Ok(Box::new(move || step().expect("the first step succeeded")))
}

fn parameters(modules: &[&dyn Module]) -> Vec<Tensor> {
    modules.iter().flat_map(|module| module.parameters()).collect()
}

fn mlp() -> rustorch::Result<Step> {
    let (fc1, fc2, fc3) = (Linear::new(784, 512), Linear::new(512, 512), Linear::new(512, 10));
    let optimiser = optim::Adam::new(parameters(&[&fc1, &fc2, &fc3]), 1e-3);
    let (x, labels) = (Tensor::randn([64, 784]), Tensor::randint(0, 10, [64]));
    train(optimiser, move || {
        let hidden = fc2.forward(&fc1.forward(&x)?.relu())?.relu();
        f::cross_entropy(&fc3.forward(&hidden)?, &labels)
    })
}

fn convnet() -> rustorch::Result<Step> {
    let conv1 = Conv2d::builder(1, 32, 3).padding(1).build()?;
    let conv2 = Conv2d::builder(32, 64, 3).padding(1).build()?;
    let (fc1, fc2) = (Linear::new(3136, 128), Linear::new(128, 10));
    let optimiser = optim::Adam::new(parameters(&[&conv1, &conv2, &fc1, &fc2]), 1e-3);
    let (x, labels) = (Tensor::randn([64, 1, 28, 28]), Tensor::randint(0, 10, [64]));
    train(optimiser, move || {
        let mut planes = x.clone();
        for conv in [&conv1, &conv2] {
            planes = f::max_pool2d(&conv.forward(&planes)?.relu(), [2, 2], f::MaxPoolOptions::default())?;
        }
        let hidden = fc1.forward(&planes.flatten(1, -1)?)?.relu();
        f::cross_entropy(&fc2.forward(&hidden)?, &labels)
    })
}

fn encoder() -> rustorch::Result<Step> {
    let builder = TransformerEncoderLayer::builder(256, 8).dim_feedforward(1024);
    let layer = builder.dropout(0.0).batch_first(true).build()?;
    let optimiser = optim::AdamW::new(layer.parameters(), 1e-3);
    let x = Tensor::randn([8, 128, 256]);
    train(optimiser, move || Ok(layer.forward(&x, Default::default())?.sum()))
}

fn lstm() -> rustorch::Result<Step> {
    let layer = Lstm::builder(128, 256).num_layers(2).batch_first(true).build()?;
    let optimiser = optim::AdamW::new(layer.parameters(), 1e-3);
    let x = Tensor::randn([32, 64, 128]);
    train(optimiser, move || Ok(layer.forward(&x, None)?.0.sum()))
}

fn residuals() -> rustorch::Result<Step> {
    let blocks = (0..4)
        .map(|_| Ok((Conv2d::builder(64, 64, 3).padding(1).bias(false).build()?, BatchNorm2d::new(64))))
        .collect::<rustorch::Result<Vec<_>>>()?;
    let all = blocks.iter().flat_map(|(conv, norm)| parameters(&[conv, norm]));
    let optimiser = optim::SGD::builder(all).lr(0.1).momentum(0.9).build()?;
    let x = Tensor::randn([16, 64, 32, 32]);
    train(optimiser, move || {
        let mut planes = x.clone();
        for (conv, norm) in &blocks {
            planes = norm.forward(&conv.forward(&planes)?)?.add(&planes)?.relu();
        }
        Ok(planes.mean())
    })
}

/// What an operation costs apart from its arithmetic: 100 on 64 × 64 numbers, and their gradients.
fn chain() -> rustorch::Result<Step> {
    let a = Tensor::randn([64, 64]).requires_grad_(true)?;
    let step = move || -> rustorch::Result<()> {
        let mut h = a.clone();
        for _ in 0..25 {
            h = h.mul(1.01)?.add(0.1)?.tanh().sub(&a)?;
        }
        a.set_grad(None)?;
        h.sum().backward()
    };
    step()?;
    Ok(Box::new(move || step().expect("the first step succeeded")))
}
