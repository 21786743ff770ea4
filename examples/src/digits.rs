//! The MNIST digits, and the training of networks that read them.

use std::path::{Path, PathBuf};

use clap::Args;
use rustorch::compiled::{Compiled, TrainStep};
use rustorch::data::DataLoader;
use rustorch::nn::CrossEntropyLoss;
use rustorch::no_grad;
use rustorch::optim::scheduler::OneCycleLR;
use rustorch::prelude::*;
use rustorch::vision::datasets::Mnist;

use crate::arguments::{batch, count, rate, seed};
use crate::{Result, data, progress};

/// The mean of the training digits' brightness.
pub const MEAN: f64 = 0.1307;
/// Its standard deviation.
pub const STD: f64 = 0.3081;

/// A loader of digits: images `[batch, 1, 28, 28]` and labels `[batch]`.
pub type Digits = DataLoader<Mnist, (Tensor, Tensor)>;

/// How a network is trained on digits.
#[derive(Args)]
pub struct Training {
    /// Passes over the 60,000 training digits
    #[arg(long, default_value_t = 2, value_parser = count)]
    pub epochs: usize,
    /// Digits per step
    #[arg(long, default_value_t = 64, value_parser = batch)]
    pub batch_size: usize,
    /// The seed of the weights and of the order of the digits
    #[arg(long, default_value_t = 0, value_parser = seed)]
    pub seed: u64,
    /// The highest learning rate of the cycle
    #[arg(long, default_value_t = 3e-3, value_parser = rate)]
    pub lr: f64,
    /// The folder of the digits' files
    #[arg(long, default_value_os_t = data("mnist"), hide_default_value = true)]
    pub data: PathBuf,
}

/// Normalised digits: those to train with, in an order that depends on the seed, or those to test with.
///
/// # Errors
/// If the files cannot be read, or `batch_size` is 0.
pub fn digits(folder: &Path, train: bool, batch_size: usize, seed: u64) -> Result<Digits> {
    let digits = Mnist::new(folder, train)?.normalize(MEAN, STD);
    let loader = DataLoader::builder(digits).batch_size(batch_size).shuffle(train).seed(seed).num_workers(1);
    Ok(loader.build()?)
}

/// The share of digits whose class gets the highest score.
///
/// # Errors
/// If the network does not take such images.
pub fn accuracy(model: &impl Layer, digits: &Digits) -> Result<f64> {
    model.eval();
    let (mut correct, mut total) = (0, 0);
    for batch in digits {
        let (images, labels) = batch?;
        let read = no_grad(|| model.forward(&images)?.argmax(Some(1), false))?;
        correct += read.eq(&labels)?.sum().item::<i64>()?;
        total += labels.numel();
    }
    Ok(correct as f64 / total as f64)
}

/// Trains a network to tell digits apart, and prints its accuracy on the 10,000 test digits after every epoch.
///
/// # Errors
/// If the files cannot be read, an argument is out of its range, or the network does not take such images.
pub fn classify<M: Compiled + Layer>(model: &M, training: &Training) -> Result<()> {
    let &Training { epochs, batch_size, seed, lr, ref data } = training;
    let (train, test) = (digits(data, true, batch_size, seed)?, digits(data, false, 500, seed)?);
    println!("{} parameters", model.num_parameters());
    let mut optimiser = optim::AdamW::builder(model.parameters()).lr(lr).build()?;
    let schedule = OneCycleLR::new(&mut optimiser, lr, epochs.saturating_mul(train.len()))?;
    let mut step = TrainStep::new(model, CrossEntropyLoss::new(), optimiser).schedule(schedule);
    for epoch in 1..=epochs {
        model.train();
        let bar = progress(train.len(), &format!("epoch {epoch}"));
        for batch in &train {
            let (images, labels) = batch?;
            bar.set_message(format!("loss {:.4}", step.step(&[&images], &labels)?));
            bar.inc(1);
        }
        bar.finish();
        println!("epoch {epoch}: test accuracy {:.2} %", 100.0 * accuracy(model, &test)?);
    }
    Ok(())
}
