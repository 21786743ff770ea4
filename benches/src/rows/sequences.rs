//! Networks over sequences: a transformer and an LSTM over characters, attention and a recurrent layer alone.

use std::hint::black_box;

use rustorch::compiled::{Tokens, TrainStep};
use rustorch::nn::functional::{AttentionOptions, cross_entropy, scaled_dot_product_attention};
use rustorch::nn::{Embedding, Linear, Lstm};
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
            // The step borrows the model; both live until the program ends.
            let model = Box::leak(Box::new(CharGpt::new()));
            let optimiser = optim::AdamW::new(model.parameters(), 1e-3);
            let mut step = TrainStep::new(model, Tokens(nn::CrossEntropyLoss::new()), optimiser);
            let text = || Tensor::randint(0, VOCABULARY as i64, [12, CONTEXT]);
            let (input, target, places) = (text(), text(), Tensor::arange(0, CONTEXT, 1)?);
            step.step(&[&input, &places], &target)?;
            Ok(Box::new(move || {
                step.step(&[&input, &places], &target).expect("the first step succeeded");
            }))
        }),
        Row::time("charlstm train adam b32 t64", || {
            let model = CharLstm::new()?;
            let optimiser = optim::Adam::new(model.parameters(), 1e-3);
            train(move |text| model.forward(text), optimiser, 32)
        }),
        Row::time("chargpt infer b1 t64", || {
            let model = CharGpt::new();
            model.eval();
            infer(move |text| gpt(&model, text))
        }),
        Row::time("charlstm infer b1 t64", || {
            let model = CharLstm::new()?;
            model.lstm.eval();
            infer(move |text| model.forward(text))
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

struct CharLstm {
    tokens: Embedding,
    lstm: Lstm,
    head: Linear,
}

impl CharLstm {
    fn new() -> Result<Self> {
        Ok(Self {
            tokens: Embedding::new(VOCABULARY, 128),
            lstm: Lstm::builder(128, 256).num_layers(2).batch_first(true).build()?,
            head: Linear::new(256, VOCABULARY),
        })
    }

    fn parameters(&self) -> Vec<Tensor> {
        [self.tokens.parameters(), self.lstm.parameters(), self.head.parameters()].concat()
    }

    fn forward(&self, text: &Tensor) -> Result<Tensor> {
        let (output, _) = self.lstm.forward(&self.tokens.forward(text)?, None)?;
        self.head.forward(&output)
    }
}

/// Gradients, loss, backward and an update on a fixed batch of text.
fn train(
    model: impl Fn(&Tensor) -> Result<Tensor> + 'static,
    mut optimiser: impl Optimizer + 'static,
    batch: usize,
) -> Result<Step> {
    let text = || Tensor::randint(0, VOCABULARY as i64, [batch, CONTEXT]);
    let (input, target) = (text(), text().flatten(0, 1)?);
    let mut step = move || -> Result<()> {
        optimiser.zero_grad();
        cross_entropy(&model(&input)?.flatten(0, 1)?, &target)?.backward()?;
        optimiser.step()
    };
    step()?;
    // What has worked once works again: nothing in a step depends on the values.
    Ok(Box::new(move || step().expect("the first step succeeded")))
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
