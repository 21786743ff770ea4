//! Products whose endings take in what comes next, against the same operations one by one.

use rustorch::compiled::{Compiled, explain, op_by_op};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed, no_grad};
use rustorch_tests::compiled::check;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

model! {
    /// Everything that follows products in networks: sums, dropout, factors, gates, activations before and after.
    Endings<const D: usize> {
        query: Linear(D, D),
        drop: Dropout(0.3),
        down: Linear(D, D),
        wide: Linear(D, 2 * D),
        narrow: Linear(2 * D, D, bias = false),
        gate: Linear(D, D, bias = false),
        value: Linear(D, D),
        gamma: Param([D], init = normal(0.0, 1.0)),
        single: Linear(D, 1),
        out: Linear(D, 3),
    }
    forward(x: [batch, seq, D], b: [batch, 1, D]) -> ([batch, seq, D], [batch, seq, 3], [batch, seq, 1], [batch, seq, D]) {
        let a = x + query(x);
        let c = a + drop(down(a));
        let d = relu(narrow(drop(gelu(wide(c)))) * 0.5 + c);
        let e = silu(gate(d)) * value(d);
        let f = d + gamma * query(e) + b;
        let h = down(f);
        let g = h * sigmoid(h) - e;
        (g, dropout(tanh(out(f)), 0.4), single(g) * 2.0, relu(f + query(c)))
    }
}

fn endings(model: &Endings<24>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b) = (x[0].typed::<shape![Batch, Seq, 24]>()?, x[1].typed()?);
    let (g, o, s, r) = model.try_forward(&a, &b)?;
    Ok(vec![g.into_tensor(), o.into_tensor(), s.into_tensor(), r.into_tensor()])
}

fn inputs(batch: usize, seq: usize) -> Vec<Tensor> {
    vec![Tensor::randn([batch, seq, 24]), Tensor::randn([batch, 1, 24])]
}

#[test]
fn what_follows_a_product_gives_the_same() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    check(&Endings::<24>::new(), inputs, endings)?;
    // Enough rows for several parts and threads.
    check(&Endings::<24>::new(), |batch, seq| inputs(40 * batch, 10 * seq), endings)
}

#[test]
fn endings_are_part_of_the_product() -> Result<()> {
    let _turn = turn();
    let x = inputs(3, 4);
    let steps = explain(&Endings::<24>::new(), &[&x[0], &x[1]])?.steps;
    let texts: Vec<&str> = steps.iter().map(|step| step.text.split(" = ").last().unwrap()).collect();
    for ending in [
        "add(·, query(·))",
        "add(·, dropout(down(·)))",
        "dropout(gelu(wide(·)))",
        "relu(add(mul(narrow(·), 0.5), ·))",
        "mul(·, value(·))",
        "add(add(·, mul(·, query(·))), ·)",
        "dropout(tanh(out(·)))",
        "mul(single(·), 2.0)",
        "relu(add(·, query(·)))",
    ] {
        assert!(texts.contains(&ending), "no {ending} in {texts:#?}");
    }
    let text = "= p = down(·); sub(mul(p, sigmoid(p)), ·)";
    assert!(steps.iter().any(|step| step.text.ends_with(text)), "{texts:#?}");
    assert!(!Endings::<24>::SCHEDULE.iter().any(|step| step.contains("on tensors")));
    Ok(())
}

model! {
    Dropped { fc: Linear(40, 70), drop: Dropout(0.25) }
    forward(x: [batch, 40]) -> [batch, 70] { x[.., 0..1] + drop(fc(x)) }
}

#[test]
fn dropout_after_a_product_drops_what_it_drops_elsewhere() -> Result<()> {
    let _turn = turn();
    let model = Dropped::new();
    no_grad(|| model.fc.bias.as_ref().expect("it has one").fill_(100.0))?;
    let x = Tensor::randn([3000, 40]);
    let run = |threads: usize, compiled: bool| -> Result<(Vec<f32>, Vec<f32>)> {
        set_num_threads(threads);
        manual_seed(11);
        model.fc.weight.set_grad(None)?;
        let y = if compiled { Layer::forward(&model, &x)? } else { op_by_op(|| Layer::forward(&model, &x))? };
        y.sum().backward()?;
        let dropped = y.sub(&x.narrow(1, 0, 1)?)?;
        Ok((dropped.to_vec()?, model.fc.weight.grad().expect("a gradient").to_vec()?))
    };
    let before = rustorch::get_num_threads();
    let (one, two, eager) = (run(1, true)?, run(2, true)?, run(2, false)?);
    set_num_threads(before);
    assert!(one == two, "the result depends on the number of threads");
    // What is kept is 100 and a little, divided by 0.75.
    let kept = |values: &[f32]| values.iter().map(|value| value.abs() > 50.0).collect::<Vec<_>>();
    assert!(kept(&one.0) == kept(&eager.0), "other elements are dropped");
    let share = kept(&one.0).iter().filter(|kept| **kept).count() as f64 / one.0.len() as f64;
    assert!((share - 0.75).abs() < 0.01, "{share}");
    Ok(())
}

#[test]
fn the_same_chains_of_a_model_are_compiled_once_and_know_their_operands() -> Result<()> {
    let _turn = turn();
    model! {
        Twice { a: Linear(6, 6), b: Linear(6, 6), c: Linear(6, 6) }
        forward(x: [batch, 6]) -> [batch, 6] {
            let y = x + a(x) * 0.5;
            let z = y + b(y) * 0.25;
            z + c(z) * 0.5
        }
    }
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 6])];
    check(&Twice::new(), inputs, |model, x| Ok(vec![Layer::forward(model, &x[0])?]))
}
