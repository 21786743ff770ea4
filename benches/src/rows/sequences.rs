//! Networks over sequences: a transformer and an LSTM over characters, attention and a recurrent layer alone.

use std::hint::black_box;

use rustorch::compiled::{Compiled, Tokens, TrainStep};
use rustorch::nn::functional::{AttentionOptions, scaled_dot_product_attention};
use rustorch::prelude::*;
use rustorch::{Result, inference_mode};
use rustorch_examples::networks::Gpt;

use super::{Row, Step};

/// The characters that the networks know.
const VOCABULARY: usize = 65;
/// How many of them they see at once.
const CONTEXT: usize = 64;

/// 128 features, 4 heads, 4 blocks.
type CharGpt = Gpt<VOCABULARY, CONTEXT, 128, 4, 4>;

dim!(Batch, Seq);

pub fn rows() -> Vec<Row> {
    vec![
        Row::time("chargpt train adamw b12 t64", || {
            let model = Box::leak(Box::new(CharGpt::new()));
            let optimiser = optim::AdamW::new(model.parameters(), 1e-3);
            train(model, optimiser, 12, &[&Tensor::arange(0, CONTEXT, 1)?])
        }),
        Row::time("charlstm train adam b32 t64", || {
            let model = Box::leak(Box::new(CharLstm::new()));
            let optimiser = optim::Adam::new(model.parameters(), 1e-3);
            train(model, optimiser, 32, &[])
        }),
        Row::time("chargpt infer b1 t64", || {
            let model = CharGpt::new();
            model.eval();
            infer(move |text| gpt(&model, text))
        }),
        Row::time("charlstm infer b1 t64", || {
            let model = CharLstm::new();
            model.eval();
            infer(move |text| Layer::forward(&model, text))
        }),
        Row::time("attention causal b2 h8 s1024 d64", || attention(false)),
        Row::time("attention causal b2 h8 s1024 d64 forward backward", || attention(true)),
    ]
}

fn gpt(model: &CharGpt, text: &Tensor) -> Result<Tensor> {
    let places = Tensor::arange(0, text.size(1)?, 1)?;
    let text = text.typed::<shape![Batch, Seq]>()?;
    Ok(model.try_forward(&text, &places.typed::<shape![Seq]>()?)?.into_tensor())
}

model! {
    /// Two layers of 256 units over 128 features of a character.
    pub CharLstm {
        tokens: Embedding(VOCABULARY, 128),
        lstm: Lstm(_, 256, num_layers = 2, batch_first = true),
        head: Linear(_, VOCABULARY),
    }
    forward(text: [batch, seq]) -> [batch, seq, VOCABULARY] {
        let (h, _) = lstm(tokens(text));
        head(h)
    }
}

/// A step on a fixed batch of text, with inputs besides. The step borrows the model; both live until the program ends.
fn train<M: Compiled>(
    model: &'static M,
    optimiser: impl Optimizer + 'static,
    batch: usize,
    more: &[&Tensor],
) -> Result<Step> {
    let mut step = TrainStep::new(model, Tokens(nn::CrossEntropyLoss::new()), optimiser);
    let text = || Tensor::randint(0, VOCABULARY as i64, [batch, CONTEXT]);
    let (input, target) = (text(), text());
    let mut inputs = vec![input];
    inputs.extend(more.iter().map(|&tensor| tensor.clone()));
    let mut step = move || step.step(&inputs.iter().collect::<Vec<_>>(), &target);
    step()?;
    // What has worked once works again: nothing in a step depends on the values.
    Ok(Box::new(move || {
        step().expect("the first step succeeded");
    }))
}

/// A forward pass over one text.
fn infer(model: impl Fn(&Tensor) -> Result<Tensor> + 'static) -> Result<Step> {
    let text = Tensor::randint(0, VOCABULARY as i64, [1, CONTEXT]);
    inference_mode(|| model(&text))?;
    Ok(Box::new(move || drop(black_box(inference_mode(|| model(&text))))))
}

/// Causal attention of eight heads that lie between positions and features, as projections give them.
fn attention(backward: bool) -> Result<Step> {
    let heads = || Tensor::randn([2, 1024, 8, 64]).requires_grad_(backward);
    let operands = [heads()?, heads()?, heads()?];
    let step = move || -> Result<()> {
        let [q, k, v] = operands.each_ref().map(|tensor| tensor.transpose(1, 2));
        let options = AttentionOptions { causal: true, ..Default::default() };
        let y = scaled_dot_product_attention(&q?, &k?, &v?, options)?;
        if backward {
            operands.iter().try_for_each(|tensor| tensor.set_grad(None))?;
            y.sum().backward()?;
        }
        drop(black_box(y));
        Ok(())
    };
    step()?;
    Ok(Box::new(move || step().expect("the first step succeeded")))
}
