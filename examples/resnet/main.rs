//! Trains a small residual network on the MNIST digits: `cargo run --release --example resnet`.
//!
//! The network (`examples/src/networks/resnet.rs`) is ResNet-18 with an eighth to a quarter of its channels.

use clap::Parser;
use rustorch::manual_seed;
use rustorch_examples::digits::{Training, classify};
use rustorch_examples::networks::ResNet;
use rustorch_examples::{Result, arguments};

/// Train a small residual network on the MNIST digits
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Training,
}

fn main() -> Result<()> {
    let Arguments { training } = arguments()?;
    manual_seed(training.seed);
    // One channel of grey; four stages of 16, 32, 64 and 128 channels; 10 classes.
    classify(&ResNet::<1, 16, 32, 64, 128, 10>::new(), &training)
}
