//! Options of layers that change what kernels do, against the layers one by one: tables, convolutions of what is padded otherwise, alpha
//! dropout.

use rustorch::compiled::{Compiled, explain};
use rustorch::prelude::*;
use rustorch::{Result, no_grad};
use rustorch_tests::compiled::{both, check};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// Tables with options, of which the last is read by a recurrent layer.
    Tables {
        padded: Embedding(9, 4, padding_idx = 2),
        last: Embedding(9, 4, padding_idx = -1, scale_grad_by_freq = true),
        shared: Embedding(9, 4, scale_grad_by_freq = true),
        read: Embedding(9, 4, padding_idx = 0),
        gru: Gru(_, 3, batch_first = true),
    }
    forward(rows: [batch, seq]) -> ([batch, seq, 4], [batch, seq, 4], [batch, seq, 3]) {
        let (h, _) = gru(read(rows));
        (padded(rows) + shared(rows), last(rows) * 2.0, h)
    }
}

fn tables(model: &Tables, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
}

fn rows(batch: usize, seq: usize) -> Vec<Tensor> {
    vec![Tensor::randint(0, 9, [batch, seq])]
}

#[test]
fn tables_with_options_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Tables>(), Vec::<&str>::new());
    check(&Tables::new(), rows, tables)
}

#[test]
fn a_table_that_gets_options_runs_op_by_op() -> Result<()> {
    let _turn = turn();
    let mut model = Plain::new();
    let x = rows(3, 4);
    explain(&model, &[&x[0]])?;
    model.table.options.padding_idx = Some(1);
    assert!(explain(&model, &[&x[0]]).is_err());
    Ok(())
}

model! {
    /// A table without options.
    Plain { table: Embedding(9, 4) }
    forward(rows: [batch, seq]) -> [batch, seq, 4] { tanh(table(rows)) }
}

model! {
    /// Tables whose rows are scaled down.
    Limited {
        euclidean: Embedding(9, 4, max_norm = 1.0),
        absolute: Embedding(9, 4, max_norm = 2.0, norm_type = 1.0, padding_idx = 3),
    }
    forward(rows: [batch, seq]) -> ([batch, seq, 4], [batch, seq, 4]) {
        (tanh(euclidean(rows)), absolute(rows) * absolute(rows))
    }
}

#[test]
fn rows_are_scaled_down_as_by_the_layer() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Limited>(), Vec::<&str>::new());
    let run = |model: &Limited, x: &[Tensor]| {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    };
    let fresh = Limited::new();
    let state = fresh.state_dict();
    for seed in 0..3 {
        // Each time from rows that are too long.
        let model = Limited::new();
        model.load_state_dict(&state)?;
        both(&model, &[Tensor::randint(0, 9, [4, 3 + seed])], run)?;
    }
    // The tables themselves are changed.
    let (model, twin) = (Limited::new(), Limited::new());
    model.load_state_dict(&state)?;
    twin.load_state_dict(&state)?;
    let x = rows(3, 4);
    run(&model, &x)?;
    rustorch::compiled::op_by_op(|| run(&twin, &x))?;
    for (a, b) in model.parameters().iter().zip(&twin.parameters()) {
        assert!(a.allclose(b, 1e-6, 1e-7)?);
    }
    let longest =
        no_grad(|| model.euclidean.forward(&x[0])?.norm_dim(2.0, -1, false))?.amax().item::<f32>()?;
    assert!(longest < 1.0 + 1e-5, "{longest}");
    Ok(())
}

model! {
    /// Tables whose rows are scaled down, read as matrices after and before that, and whole.
    Tied {
        table: Embedding(9, 4, max_norm = 1.0),
        other: Embedding(9, 4, max_norm = 1.5, norm_type = 3.0, scale_grad_by_freq = true),
    }
    forward(rows: [batch, seq]) -> ([batch, seq, 9], [batch, seq, 9], [batch, seq, 4], [9, 4]) {
        let first = other.weight * 2.0;
        let (h, g) = (table(rows), other(rows));
        (matmul(h, transpose(table.weight, 0, 1)), matmul(g, transpose(other.weight, 0, 1)), h + g, first + other.weight)
    }
}

#[test]
fn rows_are_scaled_down_where_the_table_is_read_otherwise_as_well() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Tied>(), Vec::<&str>::new());
    let run = |model: &Tied, x: &[Tensor]| -> Result<Vec<Tensor>> {
        let (a, b, c, d) = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
    };
    let state = Tied::new().state_dict();
    let x = rows(3, 4);
    for training in [true, false] {
        let grads = [true, false].map(|compiled| -> Result<Vec<Tensor>> {
            let model = Tied::new();
            model.load_state_dict(&state)?;
            if !training {
                model.eval();
            }
            let outputs =
                if compiled { run(&model, &x)? } else { rustorch::compiled::op_by_op(|| run(&model, &x))? };
            assert_eq!(outputs[0].grad_fn() == Some("model"), compiled);
            let mut results: Vec<Tensor> = outputs.iter().map(Tensor::detach).collect();
            outputs[0].square().sum().add(&outputs[2].exp().sum())?.add(&outputs[3].sum())?.backward()?;
            results.extend(model.parameters().iter().filter_map(Tensor::grad));
            results.extend(model.parameters().iter().map(Tensor::detach));
            Ok(results)
        });
        let [compiled, eager] = grads;
        let (compiled, eager) = (compiled?, eager?);
        assert_eq!(compiled.len(), 8);
        for (at, (a, b)) in compiled.iter().zip(&eager).enumerate() {
            assert!(a.allclose(b, 1e-5, 1e-6)?, "{at}: {a} {b}");
        }
    }
    Ok(())
}

model! {
    /// Convolutions of what is padded otherwise than with zeros.
    Bordered {
        reflect: Conv1d(2, 3, kernel = 4, padding = "same", padding_mode = "reflect"),
        valid: Conv1d(3, 3, kernel = 2, padding = "valid", padding_mode = "circular"),
        circular: Conv2d(1, 2, kernel = [2, 3], padding = "same", dilation = [1, 2], padding_mode = "circular", bias = false),
        volume: Conv3d(2, 3, kernel = [1, 2, 3], padding = [0, 1, 1], stride = [1, 2, 1], padding_mode = "replicate"),
        same: Conv3d(3, 2, kernel = 2, padding = "same", padding_mode = "reflect", bias = false),
    }
    forward(x: [batch, 2, 8], y: [batch, 2, 3, 4, 5]) -> ([batch, 3, 7], [batch, 2, 3, 8], [batch, 2, 3, 3, 5]) {
        let a = relu(reflect(x));
        let b = circular(unsqueeze(a, 1));
        (valid(a), b, same(tanh(volume(y))))
    }
}

#[test]
fn convolutions_of_what_is_padded_otherwise_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Bordered>(), Vec::<&str>::new());
    let run = |model: &Bordered, x: &[Tensor]| {
        let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, 2, 8]>()?, &x[1].typed()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    };
    let inputs =
        |batch: usize, _: usize| vec![Tensor::randn([batch, 2, 8]), Tensor::randn([batch, 2, 3, 4, 5])];
    let mut model = Bordered::new();
    check(&model, inputs, run)?;
    let x = inputs(2, 0);
    let given: Vec<&Tensor> = x.iter().collect();
    explain(&model, &given)?;
    model.same.options.padding = rustorch::nn::functional::Padding::Valid;
    assert!(explain(&model, &given).is_err());
    Ok(())
}

model! {
    /// Dropout that keeps mean and variance.
    Alpha {
        fc: Linear(6, 6),
        alpha: AlphaDropout(0.3),
        channels: FeatureAlphaDropout(0.4),
    }
    forward(x: [batch, 3, 6]) -> ([batch, 3, 6], [batch, 3, 6]) {
        let h = selu(fc(x));
        (channels(alpha(h)), feature_alpha_dropout(alpha_dropout(h, 0.25), 0.5))
    }
}

#[test]
fn alpha_dropout_is_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Alpha>(), Vec::<&str>::new());
    let run = |model: &Alpha, x: &[Tensor]| {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 3, 6]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    };
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 3, 6])];
    let mut model = Alpha::new();
    check(&model, inputs, run)?;
    for p in [0.0, 1.0] {
        (model.alpha.p, model.channels.p) = (p, p);
        both(&model, &inputs(4, 0), run)?;
    }
    Ok(())
}

/// A network of one dropout, as a layer and as a function, which both refuse what is no probability in the words of the op-by-op pass.
macro_rules! dropouts {
    ($($net:ident $layer:ident $function:ident $test:ident;)*) => {$(
        model! {
            $net<const P: usize> { drop: $layer(0.5) }
            forward(x: [batch, 3, 4, 2]) -> ([batch, 3, 4, 2], [batch, 3, 4, 2]) {
                (drop(x), $function(x, (P as f64) / 2.0))
            }
        }

        #[test]
        fn $test() -> Result<()> {
            let _turn = turn();
            let refused = |error: rustorch::Error| error.to_string();
            let x = Tensor::randn([2, 3, 4, 2]);
            let mut model = $net::<1>::new();
            model.drop.p = 1.5;
            let layer = refused(nn::Layer::forward(&model.drop, &x).unwrap_err());
            assert_eq!(layer, concat!(stringify!($function), ": p is 1.5, expected a probability from 0 to 1"));
            let typed = x.typed::<shape![Batch, 3, 4, 2]>()?;
            assert_eq!(refused(model.try_forward(&typed).unwrap_err()), layer);
            assert_eq!(refused($net::<3>::new().try_forward(&typed).unwrap_err()), layer);
            both(&$net::<1>::new(), &[x], |model: &$net<1>, x| {
                let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 3, 4, 2]>()?)?;
                Ok(vec![a.into_tensor(), b.into_tensor()])
            })
        }
    )*};
}

dropouts! {
    Plain1 Dropout dropout a_refused_dropout_is_named;
    Plain2 Dropout2d dropout2d a_refused_dropout_of_planes_is_named;
    Plain3 Dropout3d dropout3d a_refused_dropout_of_volumes_is_named;
    Plain4 AlphaDropout alpha_dropout a_refused_alpha_dropout_is_named;
    Plain5 FeatureAlphaDropout feature_alpha_dropout a_refused_dropout_of_features_is_named;
}
