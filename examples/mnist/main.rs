//! Trains a small convolutional network on the MNIST digits: `cargo run --release --example mnist`.
//!
//! The network is declared with `model!`, so its shapes are checked when this file is compiled. After each epoch the
//! accuracy on the 10,000 test digits is printed; at the end the weights are saved and loaded again, and the loss curve
//! and some misread digits are drawn.

use std::path::{Path, PathBuf};

use clap::Parser;
use rustorch::compiled::explain;
use rustorch::data::DataLoader;
use rustorch::nn::functional::cross_entropy;
use rustorch::optim::scheduler::OneCycleLR;
use rustorch::prelude::*;
use rustorch::vision::datasets::Mnist;
use rustorch::{manual_seed, no_grad};
use rustorch_examples::arguments::{batch, count, folder, rate, seed};
use rustorch_examples::{Result, arguments, data, picture, progress};

model! {
    /// Two convolutions and two linear layers.
    pub ConvNet<const CLASSES: usize> {
        conv1: Conv2d(1, 32, kernel = 3, padding = 1),
        conv2: Conv2d(_, 64, kernel = 3, padding = 1),
        fc1: Linear(_, 128),
        fc2: Linear(_, CLASSES),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, CLASSES] {
        let x = max_pool2d(relu(conv1(x)), 2);
        let x = max_pool2d(relu(conv2(x)), 2);
        fc2(relu(fc1(flatten(x, 1))))
    }
}

dim!(Batch);

/// Mean and standard deviation of the training digits' brightness.
const MEAN: f64 = 0.1307;
const STD: f64 = 0.3081;

/// Train a small convolutional network on the MNIST digits.
#[derive(Parser)]
struct Arguments {
    /// Passes over the 60,000 training digits
    #[arg(long, default_value_t = 2, value_parser = count)]
    epochs: usize,
    /// Digits per step
    #[arg(long, default_value_t = 64, value_parser = batch)]
    batch_size: usize,
    /// The seed of the weights and of the order of the digits
    #[arg(long, default_value_t = 0, value_parser = seed)]
    seed: u64,
    /// The highest learning rate of the cycle
    #[arg(long, default_value_t = 3e-3, value_parser = rate)]
    lr: f64,
    /// The folder of the digits' files
    #[arg(long, default_value_os_t = data("mnist"), hide_default_value = true)]
    data: PathBuf,
    /// Say what a training step of the compiled network does and takes, instead of training
    #[arg(long)]
    explain: bool,
    /// Where weights and pictures are written
    #[arg(long, default_value = "target/mnist")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments: Arguments = arguments()?;
    manual_seed(arguments.seed);
    if arguments.explain {
        let images = Tensor::randn([arguments.batch_size, 1, 28, 28]);
        println!("{}", explain(&ConvNet::<10>::new(), &[&images])?);
        return Ok(());
    }
    folder(&arguments.out)?;
    let loader = |train: bool, batch_size: usize| {
        let digits = Mnist::new(&arguments.data, train)?.normalize(MEAN, STD);
        DataLoader::builder(digits)
            .batch_size(batch_size)
            .shuffle(train)
            .seed(arguments.seed)
            .num_workers(1)
            .build()
    };
    let (train, test) = (loader(true, arguments.batch_size)?, loader(false, 500)?);

    let model = ConvNet::<10>::new();
    let mut optimiser = optim::AdamW::builder(model.parameters()).lr(arguments.lr).build()?;
    let mut schedule =
        OneCycleLR::new(&mut optimiser, arguments.lr, arguments.epochs.saturating_mul(train.len()))?;
    let mut losses = Vec::new();
    for epoch in 1..=arguments.epochs {
        model.train();
        let bar = progress(train.len(), &format!("epoch {epoch}"));
        for batch in &train {
            let (images, labels) = batch?;
            let logits = model.forward(&images.typed::<shape![Batch, 1, 28, 28]>()?);
            let loss = cross_entropy(&logits, &labels)?;
            optimiser.zero_grad();
            loss.backward()?;
            optimiser.step()?;
            schedule.step(&mut optimiser)?;
            losses.push(loss.item::<f32>()?);
            bar.set_message(format!("loss {:.4}", losses[losses.len() - 1]));
            bar.inc(1);
        }
        bar.finish();
        println!("epoch {epoch}: test accuracy {:.2} %", 100.0 * accuracy(&model, &test)?);
    }

    let weights = arguments.out.join("weights.safetensors");
    model.save(&weights)?;
    let restored = ConvNet::<10>::new();
    restored.load(&weights)?;
    println!(
        "weights saved to {}; read back: {:.2} %",
        weights.display(),
        100.0 * accuracy(&restored, &test)?
    );
    draw(&arguments.out, &losses, &restored, &test)
}

/// A loader of digits: images `[batch, 1, 28, 28]` and labels `[batch]`.
type Digits = DataLoader<Mnist, (Tensor, Tensor)>;

/// The digits that the network reads.
fn predict(model: &ConvNet<10>, images: &Tensor) -> rustorch::Result<Tensor> {
    no_grad(|| model.try_forward(&images.typed::<shape![Batch, 1, 28, 28]>()?)?.argmax(Some(1), false))
}

/// The share of digits read correctly.
fn accuracy(model: &ConvNet<10>, digits: &Digits) -> rustorch::Result<f64> {
    model.eval();
    let (mut correct, mut total) = (0, 0);
    for batch in digits {
        let (images, labels) = batch?;
        correct += predict(model, &images)?.eq(&labels)?.sum().item::<i64>()?;
        total += labels.numel();
    }
    Ok(correct as f64 / total as f64)
}

/// Draws the loss of every step, and the first misread digits with what they were taken for.
fn draw(out: &Path, losses: &[f32], model: &ConvNet<10>, test: &Digits) -> Result<()> {
    const SHOWN: usize = 48;
    let mut misread = Vec::new();
    let mut readings = Vec::new();
    'batches: for batch in test {
        let (images, labels) = batch?;
        let (read, labels) = (predict(model, &images)?.to_vec::<i64>()?, labels.to_vec::<i64>()?);
        for (index, (read, label)) in read.into_iter().zip(labels).enumerate() {
            if misread.len() == SHOWN {
                break 'batches;
            }
            if read != label {
                let pixels = images.select(0, index as isize)?.to_vec::<f32>()?;
                misread.push(pixels.into_iter().map(|pixel| pixel * STD as f32 + MEAN as f32).collect());
                readings.push(format!("{label}→{read}"));
            }
        }
    }
    picture::loss_curve(&out.join("loss.svg"), losses)?;
    picture::image_grid(&out.join("misread.png"), &misread, 28, 8)?;
    println!("drawn: {0}/loss.svg and {0}/misread.png, which shows {1}", out.display(), readings.join(" "));
    Ok(())
}
