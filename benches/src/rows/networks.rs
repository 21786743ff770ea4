//! Networks, declared with `model!`: whole training steps, and inference without gradients.

use std::hint::black_box;

use rustorch::compiled::{Compiled, TrainStep};
use rustorch::inference_mode;
use rustorch::prelude::*;

use super::resnet::ResNet18;
use super::{Row, Step};

model! {
    pub Mlp { fc1: Linear(784, 512), fc2: Linear(512, 512), fc3: Linear(512, 10) }
    forward(x: [batch, 784]) -> [batch, 10] { fc3(relu(fc2(relu(fc1(x))))) }
}

model! {
    pub ConvNet {
        conv1: Conv2d(1, 32, kernel = 3, padding = 1),
        conv2: Conv2d(_, 64, kernel = 3, padding = 1),
        fc1: Linear(_, 128),
        fc2: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let x = max_pool2d(relu(conv1(x)), 2);
        let x = max_pool2d(relu(conv2(x)), 2);
        fc2(relu(fc1(flatten(x, 1))))
    }
}

/// From one example, where calls cost the most, to many, where arithmetic and memory do.
const BATCHES: [usize; 5] = [1, 8, 64, 256, 1024];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in BATCHES {
        rows.push(Row::time(format!("mlp train adam b{batch}"), move || train(Mlp::new(), &[batch, 784])));
        rows.push(Row::time(format!("convnet train adam b{batch}"), move || {
            train(ConvNet::new(), &[batch, 1, 28, 28])
        }));
    }
    for batch in BATCHES {
        rows.push(Row::time(format!("mlp infer b{batch}"), move || infer(Mlp::new(), &[batch, 784])));
        rows.push(Row::time(format!("convnet infer b{batch}"), move || {
            infer(ConvNet::new(), &[batch, 1, 28, 28])
        }));
    }
    rows.push(Row::time("resnet18 infer b1 224", || infer(ResNet18::new(), &[1, 3, 224, 224])));
    rows
}

/// Forward, loss, backward and an Adam update on a fixed batch of ten classes.
fn train(model: impl Compiled, shape: &[usize]) -> rustorch::Result<Step> {
    // The step borrows the model; both live until the program ends.
    let model = Box::leak(Box::new(model));
    let optimiser = optim::Adam::new(model.parameters(), 1e-3);
    let mut step = TrainStep::new(model, nn::CrossEntropyLoss::new(), optimiser);
    let (x, labels) = (Tensor::randn(shape), Tensor::randint(0, 10, [shape[0]]));
    step.step(&[&x], &labels)?;
    // What has worked once works again: nothing in a step depends on the values.
    Ok(Box::new(move || {
        step.step(&[&x], &labels).expect("the first step succeeded");
    }))
}

/// A forward pass in evaluation mode.
fn infer(model: impl Layer + 'static, shape: &[usize]) -> rustorch::Result<Step> {
    model.eval();
    let x = Tensor::randn(shape);
    inference_mode(|| model.forward(&x))?;
    Ok(Box::new(move || drop(black_box(inference_mode(|| model.forward(&x))))))
}
