//! Trains a small transformer on Moby-Dick, letter by letter, and lets it write: `cargo run --release --example chargpt`.

use std::path::PathBuf;

use clap::Parser;
use rustorch::nn::functional::cross_entropy;
use rustorch::prelude::*;
use rustorch::{manual_seed, no_grad};
use rustorch_examples::arguments::{batch, count, rate, seed};
use rustorch_examples::networks::Gpt;
use rustorch_examples::text::{pieces, places, read};
use rustorch_examples::{Result, arguments, data, progress};

/// How many characters the network sees at once.
const CONTEXT: usize = 64;

dim!(Batch, Seq);

/// The characters that the network knows: printable ASCII and the line's end; all others become a space.
const VOCABULARY: usize = 96;
/// 128 features, 4 heads, 4 blocks.
type Net = Gpt<VOCABULARY, CONTEXT, 128, 4, 4>;

/// Train a small transformer on Moby-Dick, letter by letter
#[derive(Parser)]
struct Arguments {
    /// Training steps
    #[arg(long, default_value_t = 1500, value_parser = count)]
    steps: usize,
    /// Pieces of text per step
    #[arg(long, default_value_t = 12, value_parser = batch)]
    batch_size: usize,
    /// The learning rate
    #[arg(long, default_value_t = 1e-3, value_parser = rate)]
    lr: f64,
    /// The text to learn
    #[arg(long, default_value_os_t = data("moby_dick.txt"), hide_default_value = true)]
    text: PathBuf,
    /// The seed of weights, batches and writing
    #[arg(long, default_value_t = 0, value_parser = seed)]
    seed: u64,
    /// How many characters to write at the end
    #[arg(long, default_value_t = 400, value_parser = count)]
    write: usize,
}

fn main() -> Result<()> {
    let arguments: Arguments = arguments()?;
    manual_seed(arguments.seed);
    let codes: Vec<i64> = read(&arguments.text)?.into_bytes().into_iter().map(encode).collect();
    let text = Tensor::from_slice(&codes, [codes.len()])?;
    train(&arguments, &text)
}

fn train(arguments: &Arguments, text: &Tensor) -> Result<()> {
    let model = Net::new();
    let mut optimiser = optim::AdamW::builder(model.parameters()).lr(arguments.lr).build()?;
    println!("{} parameters, {} characters", model.num_parameters(), text.numel());
    let bar = progress(arguments.steps, "training");
    for step in 0..arguments.steps {
        let (input, target) = sample(text, arguments.batch_size)?;
        let logits = forward(&model, &input)?;
        let loss = cross_entropy(&logits.flatten(0, 1)?, &target.flatten(0, 1)?)?;
        optimiser.zero_grad();
        loss.backward()?;
        optimiser.step()?;
        if step % 20 == 0 {
            bar.set_message(format!("loss {:.3}", loss.item::<f32>()?));
        }
        bar.inc(1);
    }
    bar.finish();
    println!("{}", write(&model, "Call me ", arguments.write)?);
    Ok(())
}

/// The network's logits for pieces of text `[batch, seq]`.
fn forward(model: &Net, text: &Tensor) -> rustorch::Result<Tensor> {
    let places = Tensor::arange(0, text.size(1)?, 1)?;
    let text = text.typed::<shape![Batch, Seq]>()?;
    Ok(model.try_forward(&text, &places.typed::<shape![Seq]>()?)?.into_tensor())
}

/// Random pieces of the text, and what follows each of their characters.
fn sample(text: &Tensor, size: usize) -> Result<(Tensor, Tensor)> {
    let mut places = places(text.numel().saturating_sub(1), CONTEXT, size)?;
    let input = pieces(text, &places, CONTEXT)?;
    places.iter_mut().for_each(|place| *place += 1);
    Ok((input, pieces(text, &places, CONTEXT)?))
}

/// Continues a text character by character, each drawn from the network's distribution.
fn write(model: &Net, start: &str, length: usize) -> rustorch::Result<String> {
    let mut codes: Vec<i64> = start.bytes().map(encode).collect();
    for _ in 0..length {
        let context = &codes[codes.len().saturating_sub(CONTEXT)..];
        let next = no_grad(|| {
            let logits = forward(model, &Tensor::from_slice(context, [1, context.len()])?)?;
            let last = logits.select(1, -1)?.select(0, 0)?;
            last.mul(1.25)?.softmax(0)?.multinomial(1, false)
        })?;
        codes.push(next.item::<i64>()?);
    }
    Ok(codes.into_iter().map(decode).collect())
}

/// The number of a character.
fn encode(byte: u8) -> i64 {
    match byte {
        b'\n' => 95,
        b' '..=b'~' => i64::from(byte - b' '),
        _ => 0,
    }
}

/// The character of a number.
fn decode(code: i64) -> char {
    match u8::try_from(code) {
        Ok(95) => '\n',
        Ok(code) => char::from(b' ' + code),
        Err(_) => ' ',
    }
}
