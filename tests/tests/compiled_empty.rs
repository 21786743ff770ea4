//! Networks with layers of no features, batches of no examples and sequences of no positions: compiled, in training steps and op by op
//! they give the same results, or the same errors.

use rustorch::compiled::{Compiled, Tokens, TrainStep, op_by_op};
use rustorch::nn::functional::cross_entropy;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

model! {
    /// A layer of so many features between others.
    Waist<const D: usize> {
        a: Linear(3, D),
        norm: LayerNorm(4),
        b: Linear(D, 4),
        gain: Param([D], init = ones),
    }
    forward(x: [batch, 3]) -> [batch, 4] { norm(b(relu(a(x)) * gain)) }
}

model! {
    /// Images of which nothing may be left.
    Images {
        conv: Conv2d(1, 3, kernel = 3, padding = 1),
        bn: BatchNorm2d(3),
        pool: AdaptiveAvgPool2d(1),
        fc: Linear(3, 4),
    }
    forward(x: [batch, 1, h, w]) -> [batch, 4] { fc(flatten(pool(relu(bn(conv(x)))), 1)) }
}

model! {
    /// A sequence model.
    Reader { tokens: Embedding(7, 6), rnn: Gru(_, 5, batch_first = true), head: Linear(5, 7) }
    forward(text: [batch, seq]) -> [batch, seq, 7] {
        let (h, _) = rnn(tokens(text));
        head(h)
    }
}

model! {
    /// Attention and means over positions.
    Mixer { query: Linear(4, 4), out: Linear(4, 4) }
    forward(x: [batch, seq, 4]) -> [batch, 4] {
        let q = query(x);
        mean(out(scaled_dot_product_attention(q, q, x)) + amax(x, 1, keepdim = true), 1)
    }
}

/// Results as text, in which numbers that are not are equal.
fn text(result: Result<f32>) -> String {
    result.map_or_else(|error| error.to_string(), |loss| format!("{loss:.4}"))
}

/// Compares training steps with the same on the tape, op by op.
fn trains_alike<M: Compiled>(make: impl Fn() -> M, x: &Tensor, labels: &Tensor, is_text: bool) -> Result<()> {
    manual_seed(1);
    let (model, twin) = (make(), make());
    twin.load_state_dict(&model.state_dict())?;
    let tape = || -> Result<f32> {
        let output = op_by_op(|| twin.eager(&[x]))?.remove(0);
        let loss = match is_text {
            false => cross_entropy(&output, labels)?,
            true => cross_entropy(&output.transpose(1, -1)?, labels)?,
        };
        loss.backward()?;
        loss.item()
    };
    let mut optimiser = optim::SGD::new(twin.parameters(), 0.1);
    let criterion = nn::CrossEntropyLoss::new;
    let mut plain =
        (!is_text).then(|| TrainStep::new(&model, criterion(), optim::SGD::new(model.parameters(), 0.1)));
    let mut tokens = is_text
        .then(|| TrainStep::new(&model, Tokens(criterion()), optim::SGD::new(model.parameters(), 0.1)));
    for round in 0..3 {
        let step = match (&mut plain, &mut tokens) {
            (Some(step), _) => step.step(&[x], labels),
            (_, Some(step)) => step.step(&[x], labels),
            _ => unreachable!("one of the two"),
        };
        optimiser.zero_grad();
        let expected = tape();
        assert_eq!(step.is_ok(), expected.is_ok(), "round {round}: {} and {}", text(step), text(expected));
        if expected.is_ok() {
            optimiser.step()?;
        }
        assert_eq!(text(step), text(expected), "round {round} of {:?}", x.shape());
    }
    for (a, b) in model.parameters().iter().zip(&twin.parameters()) {
        let (a, b) = (a.to_vec::<f32>()?, b.to_vec::<f32>()?);
        let same = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 || a.is_nan() && b.is_nan();
        assert!(a.iter().zip(&b).all(same), "{a:?}\n{b:?}");
    }
    Ok(())
}

#[test]
fn layers_without_features_train_as_on_the_tape() -> Result<()> {
    let _turn = turn();
    for batch in [5, 1, 0] {
        let (x, labels) = (Tensor::randn([batch, 3]), Tensor::randint(0, 4, [batch]));
        trains_alike(Waist::<0>::new, &x, &labels, false)?;
        trains_alike(Waist::<2>::new, &x, &labels, false)?;
    }
    Ok(())
}

#[test]
fn batches_without_examples_and_images_without_pixels_train_as_on_the_tape() -> Result<()> {
    let _turn = turn();
    for (batch, h, w) in [(2, 3, 4), (0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)] {
        let (x, labels) = (Tensor::randn([batch, 1, h, w]), Tensor::randint(0, 4, [batch]));
        trains_alike(Images::new, &x, &labels, false)?;
    }
    Ok(())
}

#[test]
fn sequences_without_positions_train_as_on_the_tape() -> Result<()> {
    let _turn = turn();
    for (batch, seq) in [(3, 4), (3, 0), (0, 4), (0, 0)] {
        let text = Tensor::randint(0, 7, [batch, seq]);
        trains_alike(Reader::new, &text, &text, true)?;
        let (x, labels) = (Tensor::randn([batch, seq, 4]), Tensor::randint(0, 4, [batch]));
        trains_alike(Mixer::new, &x, &labels, false)?;
    }
    Ok(())
}

#[test]
fn inference_on_nothing_is_that_of_the_operations() -> Result<()> {
    let _turn = turn();
    let text = |result: Result<Tensor>| {
        result.map_or_else(|error| error.to_string(), |y| format!("{:?} {y}", y.shape()))
    };
    for (batch, seq) in [(3, 0), (0, 4), (0, 0)] {
        let (model, x) = (Mixer::new(), Tensor::randn([batch, seq, 4]));
        let run = || Ok(model.try_forward(&x.typed::<shape![Batch, Seq, 4]>()?)?.into_tensor());
        assert_eq!(text(run()), text(op_by_op(run)));
        let (model, x) = (Reader::new(), Tensor::randint(0, 7, [batch, seq]));
        let run = || Ok(model.try_forward(&x.typed::<shape![Batch, Seq]>()?)?.into_tensor());
        assert_eq!(text(run()), text(op_by_op(run)));
    }
    Ok(())
}
