//! Trains a small transformer on Moby-Dick, letter by letter, and lets it write: `cargo run --release --example chargpt`.

use std::error::Error;

use clap::Parser;
use rustorch::nn::functional::cross_entropy;
use rustorch::prelude::*;
use rustorch::{manual_seed, no_grad};
use rustorch_examples::{data, progress};

/// How many characters the network sees at once.
const CONTEXT: usize = 64;

model! {
    /// Attention to what came before, then a layer of neurons per position; both add to their input.
    pub Block<const D: usize, const HEADS: usize> {
        ln1: LayerNorm(D),
        query: Linear(D, D),
        key: Linear(D, D),
        value: Linear(D, D),
        proj: Linear(D, D),
        ln2: LayerNorm(D),
        up: Linear(D, 4 * D),
        down: Linear(4 * D, D),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let h = ln1(x);
        let q = transpose(reshape(query(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let k = transpose(reshape(key(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let v = transpose(reshape(value(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let a = scaled_dot_product_attention(q, k, v, causal = true);
        let x = x + proj(reshape(transpose(a, 1, 2), [batch, seq, D]));
        x + down(gelu(up(ln2(x)), approximate = "tanh"))
    }
}

model! {
    /// A decoder over characters.
    pub CharGpt<const VOCABULARY: usize, const D: usize, const LAYERS: usize> {
        tokens: Embedding(VOCABULARY, D),
        positions: Embedding(CONTEXT, D),
        blocks: [Block<D, 4>; LAYERS],
        ln: LayerNorm(D),
        head: Linear(D, VOCABULARY),
    }
    forward(text: [batch, seq], places: [seq]) -> [batch, seq, VOCABULARY] {
        let x = tokens(text) + positions(places);
        for block in self.blocks {
            x = block(x);
        }
        head(ln(x))
    }
}

dim!(Batch, Seq);

/// The characters that the network knows: printable ASCII and the line's end; all others become a space.
const VOCABULARY: usize = 96;
type Gpt = CharGpt<VOCABULARY, 128, 4>;

/// Train a small transformer on Moby-Dick, letter by letter
#[derive(Parser)]
struct Arguments {
    /// Training steps
    #[arg(long, default_value_t = 1500)]
    steps: usize,
    /// Pieces of text per step
    #[arg(long, default_value_t = 12)]
    batch_size: usize,
    /// The learning rate
    #[arg(long, default_value_t = 1e-3)]
    lr: f64,
    /// The seed of weights, batches and writing
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many characters to write at the end
    #[arg(long, default_value_t = 400)]
    write: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    manual_seed(arguments.seed);
    let path = data("moby_dick.txt");
    let book = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let codes: Vec<i64> = book.into_iter().map(encode).collect();
    let text = Tensor::from_slice(&codes, [codes.len()])?;
    train(&arguments, &text)
}

fn train(arguments: &Arguments, text: &Tensor) -> Result<(), Box<dyn Error>> {
    let model = Gpt::new();
    let mut optimiser = optim::AdamW::new(model.parameters(), arguments.lr);
    println!("{} parameters, {} characters", model.num_parameters(), text.numel());
    let bar = progress(arguments.steps, "training");
    for step in 0..arguments.steps {
        let (input, target) = batch(text, arguments.batch_size)?;
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
fn forward(model: &Gpt, text: &Tensor) -> rustorch::Result<Tensor> {
    let places = Tensor::arange(0, text.size(1)?, 1)?;
    let text = text.typed::<shape![Batch, Seq]>()?;
    Ok(model.try_forward(&text, &places.typed::<shape![Seq]>()?)?.into_tensor())
}

/// Random pieces of the text, and what follows each of their characters.
fn batch(text: &Tensor, size: usize) -> rustorch::Result<(Tensor, Tensor)> {
    let starts = Tensor::randint(0, (text.numel() - CONTEXT - 1) as i64, [size]).to_vec::<i64>()?;
    let pieces = |shift: usize| {
        let piece = |&start: &i64| text.narrow(0, start as usize + shift, CONTEXT);
        let pieces = starts.iter().map(piece).collect::<rustorch::Result<Vec<_>>>()?;
        Tensor::stack(&pieces.iter().collect::<Vec<_>>(), 0)
    };
    Ok((pieces(0)?, pieces(1)?))
}

/// Continues a text character by character, each drawn from the network's distribution.
fn write(model: &Gpt, start: &str, length: usize) -> rustorch::Result<String> {
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
