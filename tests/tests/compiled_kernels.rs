//! The kernels of the compiled pass against the operations that they stand for.

use rustorch::compiled::{Compiled, explain};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::nn::Module;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::both;
use rustorch_tests::turns::turn;

dim!(Batch);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// Elementwise operations that fuse: broadcast, used several times, with numbers from outside, with dropout.
    Chained<const SCALE: usize> {
        fc: Linear(6, 6),
        drop: Dropout(0.3),
        soft: Softplus(beta = 2.0),
        shrink: Hardshrink(0.1),
        out: Linear(6, 3),
    }
    forward(a: [batch, 6], b: [6], c: [batch, 1]) -> ([batch, 3], [batch, 6], [batch, 6]) {
        let x = fc(a);
        let y = relu(x * 0.5 + b) + a;
        let z = drop(silu(y) - tanh(y) / SCALE);
        let w = maximum(z, a) * sigmoid(c);
        let v = dropout(leaky_relu(z, 0.2), 0.5) + mish(x);
        let u = if self.training { drop(w) - v } else { w };
        (out(v), shrink(soft(exp(-(w * w)))), relu(u + x * 1.5))
    }
}

fn chained(model: &Chained<3>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c) = (x[0].typed::<shape![Batch, 6]>()?, x[1].typed()?, x[2].typed()?);
    let (u, v, w) = model.forward(&a, &b, &c);
    Ok(vec![u.into_tensor(), v.into_tensor(), w.into_tensor()])
}

#[test]
fn chains_of_elementwise_operations_are_the_same() -> Result<()> {
    let _turn = turn();
    let model = Chained::<3>::new();
    assert_eq!(islands::<Chained<3>>(), Vec::<&str>::new());
    for batch in [1, 5, 700] {
        let inputs = [Tensor::randn([batch, 6]), Tensor::randn([6]), Tensor::randn([batch, 1])];
        model.train();
        both(&model, &inputs, chained)?;
        model.eval();
        both(&model, &inputs, chained)?;
    }
    Ok(())
}

#[test]
fn chains_are_one_step() -> Result<()> {
    let _turn = turn();
    let model = Chained::<3>::new();
    let inputs = [Tensor::randn([4, 6]), Tensor::randn([6]), Tensor::randn([4, 1])];
    let steps = explain(&model, &[&inputs[0], &inputs[1], &inputs[2]])?.steps;
    let texts: Vec<&str> = steps.iter().map(|step| step.text).collect();
    let fused = "a = add(relu(add(mul(·, 0.5), ·)), ·); dropout(sub(silu(a), div(tanh(a), (SCALE) as f64)))";
    assert!(texts.iter().any(|text| text.ends_with(fused)), "{texts:#?}");
    assert!(texts.iter().any(|text| text.ends_with("mul(maximum(·, ·), ·)")), "{texts:#?}");
    Ok(())
}

#[test]
fn dropout_in_a_chain_is_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    let model = Chained::<3>::new();
    let inputs =
        [Tensor::randn([9000, 6]).requires_grad_(true)?, Tensor::randn([6]), Tensor::randn([9000, 1])];
    let once = |threads: usize| -> Result<Vec<f32>> {
        set_num_threads(threads);
        manual_seed(3);
        inputs[0].set_grad(None)?;
        let outputs = chained(&model, &inputs)?;
        outputs[0].sum().add(&outputs[2].square().sum())?.backward()?;
        let grad = inputs[0].grad().expect("an input with a gradient");
        [outputs[2].to_vec::<f32>()?, grad.to_vec()?].concat().into_iter().map(Ok).collect()
    };
    let (one, two) = (once(1)?, once(2)?);
    assert!(one == two);
    Ok(())
}

#[test]
fn a_dropout_that_is_no_probability_is_an_error() {
    let _turn = turn();
    let mut model = Chained::<3>::new();
    model.drop.p = 1.5;
    let (a, b, c) = (Tensor::randn([4, 6]), Tensor::randn([6]), Tensor::randn([4, 1]));
    let result = model.try_forward(
        &a.typed::<shape![Batch, 6]>().unwrap(),
        &b.typed::<shape![6]>().unwrap(),
        &c.typed::<shape![Batch, 1]>().unwrap(),
    );
    assert_eq!(result.unwrap_err().to_string(), "dropout: p is 1.5, expected a probability from 0 to 1");
}
