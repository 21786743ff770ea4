//! Trains a tagger that gives a text back its spaces, capitals and punctuation: `cargo run --release --example tagger`.
//!
//! Moby-Dick is read as nothing but its letters, `callmeishmaelsomeyearsago`. A bidirectional LSTM
//! (`examples/src/networks/tagger.rs`) says of every letter whether it is a capital, and what follows it.

use std::path::PathBuf;

use clap::Parser;
use rustorch::compiled::{Tokens, TrainStep};
use rustorch::nn::CrossEntropyLoss;
use rustorch::optim::scheduler::OneCycleLR;
use rustorch::prelude::*;
use rustorch::{manual_seed, no_grad};
use rustorch_examples::arguments::{batch, count, rate, seed};
use rustorch_examples::networks::Tagger;
use rustorch_examples::text::{pieces, places, read};
use rustorch_examples::{Failure, Result, arguments, data, progress};

/// How many letters the network sees at once.
const LENGTH: usize = 128;
/// How many letters a text needs, so that there is a piece in its last tenth, which is for testing.
const LETTERS: usize = 10 * LENGTH;
/// What may follow a letter.
const AFTER: [&str; 4] = ["", " ", ", ", ". "];

/// The letters; 48 features, 128 in each direction; every mark twice, after a small letter and after a capital.
type Net = Tagger<26, 48, 128, 8>;

/// Train a tagger to give a text back its spaces, capitals and punctuation
#[derive(Parser)]
struct Arguments {
    /// Training steps
    #[arg(long, default_value_t = 1000, value_parser = count)]
    steps: usize,
    /// Pieces of text per step
    #[arg(long, default_value_t = 32, value_parser = batch)]
    batch_size: usize,
    /// The seed of weights and batches
    #[arg(long, default_value_t = 0, value_parser = seed)]
    seed: u64,
    /// The highest learning rate of the cycle
    #[arg(long, default_value_t = 5e-3, value_parser = rate)]
    lr: f64,
    /// The text to learn
    #[arg(long, default_value_os_t = data("moby_dick.txt"), hide_default_value = true)]
    text: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { steps, batch_size, seed, lr, text } = arguments()?;
    manual_seed(seed);
    let (letters, tags) = letters(&read(&text)?)?;
    if letters.numel() < LETTERS {
        let (path, count) = (text.display(), letters.numel());
        return Err(Failure::new(format!("{path}: {count} letters, expected at least {LETTERS}")));
    }
    let known = letters.numel() / 10 * 9;
    let model = Net::new();
    println!("{} parameters, {} letters", model.num_parameters(), letters.numel());
    let mut optimiser = optim::AdamW::builder(model.parameters()).lr(lr).build()?;
    let schedule = OneCycleLR::new(&mut optimiser, lr, steps)?;
    let loss = Tokens(CrossEntropyLoss::new());
    let mut step = TrainStep::new(&model, loss, optimiser).clip_grad_norm(1.0).schedule(schedule);
    let bar = progress(steps, "training");
    for _ in 0..steps {
        let places = places(known, LENGTH, batch_size)?;
        let (text, target) = (pieces(&letters, &places, LENGTH)?, pieces(&tags, &places, LENGTH)?);
        bar.set_message(format!("loss {:.3}", step.step(&[&text], &target)?));
        bar.inc(1);
    }
    bar.finish();
    model.eval();
    test(
        &model,
        &letters.slice(0, known as isize, isize::MAX, 1)?,
        &tags.slice(0, known as isize, isize::MAX, 1)?,
    )
}

/// The letters of a text by number, and the tag of each.
fn letters(text: &str) -> Result<(Tensor, Tensor)> {
    let (mut letters, mut tags) = (Vec::new(), Vec::<i64>::new());
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            letters.push(i64::from(c.to_ascii_lowercase() as u8 - b'a'));
            tags.push(if c.is_ascii_uppercase() { 4 } else { 0 });
        } else if let Some(tag) = tags.last_mut() {
            let after = match c {
                '.' | '!' | '?' => 3,
                ',' | ';' | ':' | '—' => 2,
                c if c.is_whitespace() || c == '-' => 1,
                _ => 0,
            };
            // The strongest of the marks up to the next letter.
            *tag = *tag / 4 * 4 + (*tag % 4).max(after);
        }
    }
    let count = letters.len();
    Ok((Tensor::from_vec(letters, [count])?, Tensor::from_vec(tags, [count])?))
}

/// Reads the rest of the book; prints how much of it is right, and how it begins.
fn test(model: &Net, letters: &Tensor, tags: &Tensor) -> Result<()> {
    let count = letters.numel() / LENGTH;
    let places: Vec<i64> = (0..count).map(|piece| (piece * LENGTH) as i64).collect();
    let text = pieces(letters, &places, LENGTH)?;
    let given = no_grad(|| Layer::forward(model, &text)?.argmax(Some(-1), false))?.to_vec::<i64>()?;
    let right = pieces(tags, &places, LENGTH)?.to_vec::<i64>()?;
    let share = |right_one: &dyn Fn(i64, i64) -> bool| {
        let found = given.iter().zip(&right).filter(|(given, right)| right_one(**given, **right)).count();
        found as f64 / given.len() as f64
    };
    let (found, said, there) = (
        share(&|given, right| given % 4 > 0 && right % 4 > 0),
        share(&|given, _| given % 4 > 0),
        share(&|_, right| right % 4 > 0),
    );
    println!("letters with the right tag: {:.2} %", 100.0 * share(&|given, right| given == right));
    println!(
        "ends of words: {:.1} % of those found are some, {:.1} % of those there are found",
        100.0 * found / said.max(1e-9),
        100.0 * found / there
    );
    let letters = text.flatten(0, 1)?.to_vec::<i64>()?;
    let plain: String = letters.iter().take(400).map(|&letter| char::from(b'a' + letter as u8)).collect();
    println!("\n{plain}\n\n{}", restored(&plain, &given));
    Ok(())
}

/// The text that letters and tags stand for.
fn restored(letters: &str, tags: &[i64]) -> String {
    let letter = |(letter, &tag): (char, &i64)| {
        let letter = if tag >= 4 { letter.to_ascii_uppercase() } else { letter };
        format!("{letter}{}", AFTER[tag as usize % 4])
    };
    letters.chars().zip(tags).map(letter).collect()
}
