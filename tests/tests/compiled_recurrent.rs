//! Recurrent layers in compiled networks against the same layers op by op.

use rustorch::compiled::{Compiled, explain, op_by_op};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::nn::Module;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed, no_grad};
use rustorch_tests::compiled::{Use, both, both_with, check, close};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// Fails if a step of the network runs on tensors instead of by a kernel.
fn all_native<M: Compiled>() {
    let islands: Vec<&str> = M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect();
    assert_eq!(islands, Vec::<&str>::new());
}

model! {
    /// Layers on top of each other, in both directions, with dropout between them, from states and with states.
    Deep<const D: usize> {
        lstm: Lstm(_, D, num_layers = 3, bidirectional = true, batch_first = true, dropout = 0.3),
        gru: Gru(_, D, num_layers = 2, bias = false),
        out: Linear(_, 3),
    }
    forward(x: [batch, seq, 5], (h, c): ([6, batch, D], [6, batch, D]))
        -> ([batch, seq, 3], [6, batch, D], [6, batch, D], [2, seq, D]) {
        let (y, (h, c)) = lstm(x, (h, c));
        let (y, last) = gru(y);
        (out(y), h, c, last)
    }
}

fn deep(model: &Deep<4>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let state = (&x[1].typed::<shape![6, Batch, 4]>()?, &x[2].typed::<shape![6, Batch, 4]>()?);
    let (y, h, c, last) = model.forward(&x[0].typed::<shape![Batch, Seq, 5]>()?, state);
    Ok(vec![y.into_tensor(), h.into_tensor(), c.into_tensor(), last.into_tensor()])
}

#[test]
fn stacks_in_both_directions_with_states() -> Result<()> {
    let _turn = turn();
    all_native::<Deep<4>>();
    let model = Deep::<4>::new();
    let inputs = |batch: usize, seq: usize| {
        vec![Tensor::randn([batch, seq, 5]), Tensor::randn([6, batch, 4]), Tensor::randn([6, batch, 4])]
    };
    check(&model, inputs, deep)?;
    // One step, one sequence.
    model.train();
    both(&model, &inputs(3, 1), deep)?;
    both(&model, &inputs(1, 3), deep)
}

model! {
    /// Steps one by one, and a plain layer over a single sequence.
    Single<const D: usize> {
        lstm: LstmCell(3, D),
        gru: GruCell(_, D),
        rnn: RnnCell(_, D, nonlinearity = "relu"),
        plain: Rnn(_, D, num_layers = 2, nonlinearity = "relu"),
    }
    forward(x: [batch, 3], h: [batch, D], c: [batch, D]) -> ([batch, D], [batch, D], [2, D]) {
        let (h, c) = lstm(x, (h, c));
        let (h, c) = lstm(x * 0.5, (h, c));
        let g = gru(h, c);
        let r = rnn(g, h + c);
        let (y, last) = plain(r);
        (y + r, g, last)
    }
}

fn single(model: &Single<6>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c) = model.forward(
        &x[0].typed::<shape![Batch, 3]>()?,
        &x[1].typed::<shape![Batch, 6]>()?,
        &x[2].typed::<shape![Batch, 6]>()?,
    );
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
}

#[test]
fn single_steps_and_single_sequences() -> Result<()> {
    let _turn = turn();
    all_native::<Single<6>>();
    let inputs = |batch: usize, _: usize| {
        vec![Tensor::randn([batch, 3]), Tensor::randn([batch, 6]), Tensor::randn([batch, 6])]
    };
    check(&Single::<6>::new(), inputs, single)
}

model! {
    /// A language model: its table has fewer rows than the text has characters, or more.
    Text<const WORDS: usize> {
        table: Embedding(WORDS, 5),
        lstm: Lstm(_, 6, num_layers = 2, bidirectional = true, batch_first = true),
        gru: Gru(_, 6),
        out: Linear(_, WORDS),
    }
    forward(text: [batch, seq]) -> ([batch, seq, WORDS], [batch, seq, 6]) {
        let (y, _) = lstm(table(text));
        let (z, _) = gru(table(text));
        (out(y), z)
    }
}

fn text<const WORDS: usize>(model: &Text<WORDS>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (y, z) = model.forward(&x[0].typed::<shape![Batch, Seq]>()?);
    Ok(vec![y.into_tensor(), z.into_tensor()])
}

#[test]
fn tables_are_multiplied_or_their_rows() -> Result<()> {
    let _turn = turn();
    all_native::<Text<7>>();
    assert!(
        Text::<7>::SCHEDULE.iter().any(|step| step.ends_with("lstm(table(·))")),
        "{:?}",
        Text::<7>::SCHEDULE
    );
    check(&Text::<7>::new(), |batch, seq| vec![Tensor::randint(0, 7, [batch, seq])], text)?;
    check(&Text::<40>::new(), |batch, seq| vec![Tensor::randint(0, 40, [batch, seq])], text)?;
    // A number that no row has is an error of both.
    let model = Text::<7>::new();
    let x = Tensor::randint(0, 7, [4, 9]).add(&Tensor::full([4, 9], 3i64))?;
    let x = x.typed::<shape![Batch, Seq]>()?;
    let compiled = model.try_forward(&x).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| model.try_forward(&x)).unwrap_err().to_string());
    assert!(compiled.contains("embedding"), "{compiled}");
    Ok(())
}

model! {
    /// The output alone.
    Chain: [length, batch, 3] -> [length, batch, 2] { Gru(8, num_layers = 2, dropout = 1.0), Tanh, Linear(2) }
}

#[test]
fn layers_of_a_sequence_give_their_output() -> Result<()> {
    let _turn = turn();
    all_native::<Chain>();
    let run = |model: &Chain, x: &[Tensor]| Ok(vec![Layer::forward(model, &x[0])?]);
    check(&Chain::new(), |batch, seq| vec![Tensor::randn([seq, batch, 3])], run)
}

#[test]
fn results_are_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    model! {
        Wide { table: Embedding(11, 20), lstm: Lstm(_, 96, num_layers = 2, batch_first = true, dropout = 0.2) }
        forward(text: [batch, seq]) -> [batch, seq, 96] {
            let (y, _) = lstm(table(text));
            y
        }
    }
    let model = Wide::new();
    for batch in [1, 5, 40] {
        let x = Tensor::randint(0, 11, [batch, 13]);
        let once = |threads: usize| -> Result<Vec<f32>> {
            set_num_threads(threads);
            manual_seed(3);
            let parameters = model.parameters();
            parameters.iter().try_for_each(|parameter| parameter.set_grad(None))?;
            let y = Layer::forward(&model, &x)?;
            y.square().sum().backward()?;
            let mut all = y.to_vec::<f32>()?;
            for parameter in parameters {
                all.extend(parameter.grad().expect("all are used").to_vec::<f32>()?);
            }
            Ok(all)
        };
        assert!(once(1)? == once(2)?, "batch {batch}");
    }
    set_num_threads(2);
    Ok(())
}

#[test]
fn packed_weights_follow_their_parameters() -> Result<()> {
    let _turn = turn();
    let model = Text::<7>::new();
    for batch in [2, 9] {
        let x = [Tensor::randint(0, 7, [batch, 6])];
        let agree = || -> Result<()> {
            let run = || no_grad(|| text(&model, &x));
            run()?.iter().zip(&op_by_op(run)?).for_each(|(a, b)| close(b, a, "inference"));
            Ok(())
        };
        agree()?;
        no_grad(|| model.lstm.weights[1].weight_hh.mul_(1.5))?;
        agree()?;
        no_grad(|| model.gru.weights[0].weight_hh.add_(0.1))?;
        agree()?;
        let (lstm, gru) = (&model.lstm.weights[0], &model.gru.weights[0]);
        for tensor in [&model.table.weight, &lstm.weight_ih, &gru.weight_ih] {
            no_grad(|| tensor.mul_(1.1))?;
            agree()?;
        }
        for bias in [&lstm.bias_ih, &lstm.bias_hh, &gru.bias_ih, &gru.bias_hh] {
            no_grad(|| bias.as_ref().expect("it has one").add_(0.2))?;
            agree()?;
        }
    }
    Ok(())
}

#[test]
fn options_that_are_not_the_declared_ones_run_op_by_op() -> Result<()> {
    let _turn = turn();
    let mut model = Text::<7>::new();
    let x = [Tensor::randint(0, 7, [4, 9])];
    explain(&model, &[&x[0]])?;
    // How sequences lie changes what is computed, so the compiled pass does not apply; dropout it draws as it stands.
    model.lstm.dropout = 0.4;
    both(&model, &x, text)?;
    model.gru.batch_first = true;
    assert!(explain(&model, &[&x[0]]).is_err());
    let (here, there) = (text(&model, &x)?.remove(1), op_by_op(|| text(&model, &x))?.remove(1));
    close(&there, &here, "a layer with another option");
    model.gru.batch_first = false;
    model.gru.weights.pop();
    assert!(model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?).is_err());
    let mut model = Text::<7>::new();
    model.lstm.dropout = -1.0;
    let error = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?).unwrap_err();
    assert_eq!(error.to_string(), "dropout: p is -1, expected a probability from 0 to 1");
    Ok(())
}

model! {
    /// LSTMs whose states are projected, from zeros and from states that are given.
    Projected {
        first: Lstm(_, 6, proj_size = 4),
        both: Lstm(_, 5, num_layers = 2, bidirectional = true, batch_first = true, proj_size = 3, dropout = 0.3),
        plain: Lstm(_, 5, bias = false, proj_size = 2),
    }
    forward(x: [seq, batch, 4], h: [4, batch, 3], c: [4, batch, 5]) -> ([batch, seq, 6], [4, batch, 3], [4, batch, 5], [seq, batch, 2]) {
        let (y, (h1, c1)) = first(x);
        let (y, (h2, c2)) = first(tanh(y), (h1 * 0.5, c1));
        let (z, (h3, c3)) = both(transpose(y + h2, 0, 1), (h, c));
        let (w, _) = plain(transpose(z, 0, 1) + mean(c2));
        (z, h3, c3, w)
    }
}

fn projected(model: &Projected, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d) =
        model.try_forward(&x[0].typed::<shape![Seq, Batch, 4]>()?, &x[1].typed()?, &x[2].typed()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
}

#[test]
fn projected_states_are_the_same() -> Result<()> {
    let _turn = turn();
    let steps: Vec<&str> =
        Projected::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect();
    assert_eq!(steps, Vec::<&str>::new());
    let inputs = |batch: usize, seq: usize| {
        vec![Tensor::randn([seq, batch, 4]), Tensor::randn([4, batch, 3]), Tensor::randn([4, batch, 5])]
    };
    let model = Projected::new();
    check(&model, inputs, projected)?;
    both(&model, &inputs(3, 1), projected)?;
    // Only some of the results reach the loss, and only some of the layers learn.
    let x = inputs(3, 4);
    for used in 0..4 {
        let by = Use { leaves: used % 2 == 0, used: Some(vec![used]) };
        both_with(&model, &x, &by, projected)?;
    }
    let lower: Vec<Tensor> = model.first.parameters();
    lower.iter().try_for_each(|parameter| parameter.requires_grad_(false).map(drop))?;
    both_with(&model, &x, &Use { leaves: false, used: None }, projected)
}
