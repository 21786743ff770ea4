//! Trains a vision transformer on the MNIST digits: `cargo run --release --example vit`.
//!
//! The network (`examples/src/networks/vit.rs`) cuts an image into 49 patches and lets them attend to one another.

use clap::Parser;
use rustorch::manual_seed;
use rustorch_examples::digits::{Training, classify};
use rustorch_examples::networks::ViT;
use rustorch_examples::{Result, arguments};

/// Train a vision transformer on the MNIST digits
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    training: Training,
}

fn main() -> Result<()> {
    let Arguments { training } = arguments()?;
    manual_seed(training.seed);
    // Images of 1 × 28 × 28 in patches of 4 × 4; 64 features, 4 heads, 3 blocks, 10 classes.
    classify(&ViT::<1, 28, 4, 64, 4, 3, 10>::new(), &training)
}
