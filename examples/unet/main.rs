//! Trains a U-Net to take the noise off digits: `cargo run --release --example unet`.
//!
//! The network (`examples/src/networks/unet.rs`) sees digits under noise as bright as they are and is to give the digits. After
//! every epoch it is measured on the test digits; at the end some are drawn: as they are, with noise, and restored.

use std::path::PathBuf;

use clap::Parser;
use rustorch::compiled::TrainStep;
use rustorch::data::DataLoader;
use rustorch::nn::MSELoss;
use rustorch::nn::functional::{Reduction, mse_loss};
use rustorch::optim::scheduler::OneCycleLR;
use rustorch::prelude::*;
use rustorch::vision::datasets::Mnist;
use rustorch::{manual_seed, no_grad};
use rustorch_examples::arguments::{batch, count, folder, rate, seed};
use rustorch_examples::networks::UNet;
use rustorch_examples::{Result, arguments, data, picture, progress};

/// Train a U-Net to take the noise off digits
#[derive(Parser)]
struct Arguments {
    /// Passes over the 60,000 training digits
    #[arg(long, default_value_t = 1, value_parser = count)]
    epochs: usize,
    /// Digits per step
    #[arg(long, default_value_t = 64, value_parser = batch)]
    batch_size: usize,
    /// The standard deviation of the noise, where white is 1
    #[arg(long, default_value_t = 0.5, value_parser = rate)]
    noise: f64,
    /// The seed of the weights, the order of the digits and the noise
    #[arg(long, default_value_t = 0, value_parser = seed)]
    seed: u64,
    /// The highest learning rate of the cycle
    #[arg(long, default_value_t = 3e-3, value_parser = rate)]
    lr: f64,
    /// The folder of the digits' files
    #[arg(long, default_value_os_t = data("mnist"), hide_default_value = true)]
    data: PathBuf,
    /// Where the picture is written
    #[arg(long, default_value = "target/unet")]
    out: PathBuf,
}

/// One channel in and out; 16, 32 and 64 channels at the three sizes.
type Net = UNet<1, 16, 32, 64, 1>;
type Digits = DataLoader<Mnist, (Tensor, Tensor)>;

fn main() -> Result<()> {
    let Arguments { epochs, batch_size, noise, seed, lr, data, out } = arguments()?;
    manual_seed(seed);
    folder(&out)?;
    let loader = |train: bool, batch_size: usize| -> Result<Digits> {
        let digits = Mnist::new(&data, train)?;
        Ok(DataLoader::builder(digits)
            .batch_size(batch_size)
            .shuffle(train)
            .seed(seed)
            .num_workers(1)
            .build()?)
    };
    let (train, test) = (loader(true, batch_size)?, loader(false, 500)?);
    let model = Net::new();
    println!("{} parameters", model.num_parameters());
    let mut optimiser = optim::AdamW::builder(model.parameters()).lr(lr).build()?;
    let schedule = OneCycleLR::new(&mut optimiser, lr, epochs.saturating_mul(train.len()))?;
    let mut step = TrainStep::new(&model, MSELoss::new(), optimiser).schedule(schedule);
    for epoch in 1..=epochs {
        model.train();
        let bar = progress(train.len(), &format!("epoch {epoch}"));
        for batch in &train {
            let (digits, _) = batch?;
            bar.set_message(format!("loss {:.4}", step.step(&[&spoil(&digits, noise)?], &digits)?));
            bar.inc(1);
        }
        bar.finish();
        let (before, after) = measure(&model, &test, noise)?;
        println!("epoch {epoch}: {before:.2} dB with noise, {after:.2} dB restored, on the test digits");
    }
    draw(&model, &test, noise, &out)
}

/// The digits under noise.
fn spoil(digits: &Tensor, noise: f64) -> rustorch::Result<Tensor> {
    digits.add(&Tensor::randn(digits.shape()).mul(noise)?)
}

fn restore(model: &Net, spoilt: &Tensor) -> rustorch::Result<Tensor> {
    no_grad(|| Layer::forward(model, spoilt)?.clamp(0.0, 1.0))
}

/// The ratio of peak signal to noise on the test digits, before and after, in decibels.
fn measure(model: &Net, test: &Digits, noise: f64) -> Result<(f64, f64)> {
    model.eval();
    let mut errors = [0.0, 0.0];
    for batch in test {
        let (digits, _) = batch?;
        let spoilt = spoil(&digits, noise)?;
        for (error, image) in errors.iter_mut().zip([&spoilt, &restore(model, &spoilt)?]) {
            *error +=
                f64::from(mse_loss(image, &digits, Reduction::Mean)?.item::<f32>()?) / test.len() as f64;
        }
    }
    let [before, after] = errors.map(|error| -10.0 * error.log10());
    Ok((before, after))
}

/// Draws some test digits in rows: as they are, with noise, restored.
fn draw(model: &Net, test: &Digits, noise: f64, out: &std::path::Path) -> Result<()> {
    const SHOWN: usize = 12;
    model.eval();
    let Some(batch) = test.iter().next() else { return Ok(()) };
    let digits = batch?.0.narrow(0, 0, SHOWN)?;
    let spoilt = spoil(&digits, noise)?;
    let mut images = Vec::new();
    for rows in [&digits, &spoilt, &restore(model, &spoilt)?] {
        images.extend(rows.to_vec::<f32>()?.chunks(28 * 28).map(<[f32]>::to_vec));
    }
    let path = out.join("restored.png");
    picture::image_grid(&path, &images, 28, SHOWN as u32)?;
    println!("drawn: {}", path.display());
    Ok(())
}
