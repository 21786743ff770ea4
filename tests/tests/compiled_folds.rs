//! Products, running values, truths and random numbers in the compiled pass, against the same operations one by one.

use rustorch::compiled::Compiled;
use rustorch::kernels::parallel::set_num_threads;
use rustorch::nn::Module;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::{both, check};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// Folds over axes of every kind, of values on the way as well.
    Folded { fc: Linear(4, 4) }
    forward(x: [batch, seq, 4]) -> ([batch, seq], [batch, 4], [], [batch, seq, 4], [batch, seq, 4], [batch, seq, 4]) {
        let h = fc(x);
        let a = prod(h, -1) + prod(h * 0.5, 2);
        let b = prod(tanh(h) + 1.0, 1);
        let c = prod(h + x, [0, 2]);
        let d = cumprod(h, 1) + cumsum(h, 2);
        let e = logcumsumexp(h, 1) * logcumsumexp(x, 0);
        (a, b, sum(c) + prod(h) + prod(x), d, e, cumprod(cumprod(h, 0), -1))
    }
}

fn folded(model: &Folded, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 4]>()?)?;
    Ok(vec![
        a.into_tensor(),
        b.into_tensor(),
        c.into_tensor(),
        d.into_tensor(),
        e.into_tensor(),
        f.into_tensor(),
    ])
}

#[test]
fn products_and_running_values_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Folded>(), Vec::<&str>::new());
    check(&Folded::new(), |batch, seq| vec![Tensor::randn([batch, seq, 4])], folded)
}

model! {
    /// The same without a linear map before it, so that numbers are what the test says.
    Bare {}
    forward(x: [batch, seq]) -> ([batch], [seq], [batch, seq], [batch, seq]) {
        (prod(x, 1), prod(x, 0), cumprod(x, 1), logcumsumexp(x, 0))
    }
}

fn bare(model: &Bare, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d) = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
}

#[test]
fn zeros_and_infinities_have_the_gradients_of_the_tape() -> Result<()> {
    let _turn = turn();
    let model = Bare::new();
    let rows = Tensor::from([
        [1.5f32, 0.0, -2.0, 3.0, 0.5],
        [0.0, 2.0, 0.0, 1.0, -1.0],
        [2.0, 3.0, -1.0, 0.25, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]);
    both(&model, std::slice::from_ref(&rows), bare)?;
    // `log Σ exp` of nothing but -∞ at first.
    let low = rows.copy();
    low.narrow(0, 0, 2)?.fill_(f64::NEG_INFINITY)?;
    let running = |model: &Bare, x: &[Tensor]| Ok(vec![bare(model, x)?.remove(3)]);
    both(&model, &[low], running)
}

model! {
    /// Truths of numbers, of truths and of indices.
    Truths { fc: Linear(4, 4) }
    forward(x: [batch, seq, 4], seen: [batch, seq], rows: [batch, seq]) -> ([batch, seq, 4], [batch, 4], [], [batch]) {
        let h = relu(fc(x));
        let any_row = any(h > 0.5, -1, keepdim = true) & all(unsqueeze(seen, 2), 1, keepdim = true);
        let none = all(h, [0, 1]);
        (where_(any_row, h, x * 2.0), where_(none, sum(h, 1), sum(x, 1)), any(seen), all(rows, 1))
    }
}

fn truths(model: &Truths, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d) =
        model.try_forward(&x[0].typed::<shape![Batch, Seq, 4]>()?, &x[1].typed()?, &x[2].typed()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
}

#[test]
fn truths_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Truths>(), Vec::<&str>::new());
    let inputs = |batch: usize, seq: usize| {
        let seen = Tensor::randn([batch, seq]).gt(-1.5).expect("truth values");
        vec![Tensor::randn([batch, seq, 4]), seen, Tensor::randint(0, 3, [batch, seq])]
    };
    check(&Truths::new(), inputs, truths)?;
    // PyTorch's bytes were its bools once.
    let mut x = inputs(3, 4);
    x[2] = x[2].to_dtype(DType::U8);
    both(&Truths::new(), &x, truths)
}

model! {
    /// Numbers that are drawn on the way.
    Noisy { fc: Linear(4, 4), drop: Dropout(0.3), slopes: RReLU(0.1, 0.4) }
    forward(x: [batch, 4]) -> [batch, 4] {
        let h = slopes(fc(x));
        drop(h + randn_like(h) * 0.1) * rand_like(x) + rrelu(x, 0.2, upper = 0.3)
    }
}

#[test]
fn random_numbers_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Noisy>(), Vec::<&str>::new());
    let run = |model: &Noisy, x: &[Tensor]| {
        Ok(vec![model.try_forward(&x[0].typed::<shape![Batch, 4]>()?)?.into_tensor()])
    };
    for batch in [3, 5000] {
        let model = Noisy::new();
        both(&model, &[Tensor::randn([batch, 4])], run)?;
        model.eval();
        both(&model, &[Tensor::randn([batch, 4])], run)?;
    }
    Ok(())
}

#[test]
fn results_are_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    let (model, x) = (Folded::new(), Tensor::randn([60, 200, 4]));
    let once = |threads: usize| -> Result<Vec<f32>> {
        set_num_threads(threads);
        manual_seed(5);
        model.fc.weight.set_grad(None)?;
        let outputs = folded(&model, std::slice::from_ref(&x))?;
        outputs[1].sum().add(&outputs[4].sum())?.add(&outputs[5].sum())?.backward()?;
        let grad = model.fc.weight.grad().expect("a gradient");
        Ok([outputs[4].to_vec::<f32>()?, outputs[5].to_vec()?, grad.to_vec()?].concat())
    };
    let (one, two) = (once(1)?, once(2)?);
    assert!(one == two);
    Ok(())
}
