//! Parameters of compiled networks: frozen ones cost nothing, hooks see gradients, gradients add up.

use std::sync::{Arc, Mutex};

use rustorch::compiled::{TrainStep, explain, op_by_op};
use rustorch::nn::Module;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::close;
use rustorch_tests::turns::turn;

dim!(Batch);

model! {
    /// A layer of every kind that has parameters and a kernel.
    All {
        conv: Conv2d(2, 16, kernel = 3, padding = 1),
        norm: BatchNorm2d(16),
        fc: Linear(1024, 64),
        rows: LayerNorm(64),
        lstm: Lstm(_, 32, batch_first = true),
        out: Linear(32, 4),
        scale: Param([4], init = ones),
    }
    forward(x: [batch, 2, 8, 8]) -> [batch, 4] {
        let y = rows(fc(flatten(norm(conv(x)), 1)));
        let (z, _) = lstm(unsqueeze(y, 1));
        out(z[.., 0]) * scale
    }
}

/// How many gradients of parameters the backward pass computes.
fn count(model: &All, x: &Tensor) -> Result<usize> {
    Ok(explain(model, &[x])?.steps.iter().map(|step| step.gradients).sum())
}

#[test]
fn gradients_of_frozen_parameters_are_not_computed() -> Result<()> {
    let _turn = turn();
    let (model, x) = (All::new(), Tensor::randn([6, 2, 8, 8]));
    let mut trained = model.parameters().len();
    assert_eq!(count(&model, &x)?, trained);
    let mut arena = explain(&model, &[&x])?.memory.backward;
    // From the first layer on: then nothing in front of the first trained parameter is left to do, and needs no memory.
    let layers: [&dyn Module; 5] = [&model.conv, &model.norm, &model.fc, &model.rows, &model.lstm];
    for layer in layers {
        for parameter in layer.parameters() {
            parameter.requires_grad_(false)?;
            trained -= 1;
        }
        assert_eq!(count(&model, &x)?, trained, "{} frozen", layer.repr());
        let now = explain(&model, &[&x])?.memory.backward;
        assert!(now <= arena, "{} frozen: {now} bytes after {arena}", layer.repr());
        arena = now;
    }
    for parameter in model.parameters() {
        parameter.requires_grad_(true)?;
    }
    assert!(arena * 4 < explain(&model, &[&x])?.memory.backward);
    // In the middle, one of several: those of its neighbours are computed.
    for (frozen, name) in
        [(&model.fc.weight, "fc.weight"), (&model.lstm.weights[0].weight_hh, "lstm.weight_hh_l0")]
    {
        frozen.requires_grad_(false)?;
        assert_eq!(count(&model, &x)?, model.parameters().len() - 1);
        model.parameters().iter().try_for_each(|parameter| parameter.set_grad(None))?;
        Layer::forward(&model, &x)?.sum().backward()?;
        for (known, parameter) in model.named_parameters() {
            assert_eq!(parameter.grad().is_some(), known != name, "{known}, with {name} frozen");
        }
        frozen.requires_grad_(true)?;
    }
    Ok(())
}

model! {
    /// Parameters of its own, used twice, beside those of layers.
    Own {
        scale: Param([4], init = ones),
        shift: Param([4]),
        fc: Linear(4, 4),
    }
    forward(x: [batch, 4]) -> [batch, 4] {
        let y = fc(x * scale) + shift;
        tanh(y) * scale + shift
    }
}

#[test]
fn hooks_of_parameters_see_and_change_gradients() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    let model = Own::new();
    let x = Tensor::randn([5, 4]);
    let grads = |compiled: bool| -> Result<(Vec<Tensor>, Vec<Vec<f32>>)> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut hooks = Vec::new();
        for parameter in [&model.scale, &model.shift, &model.fc.weight] {
            parameter.set_grad(None)?;
            let seen = seen.clone();
            hooks.push(parameter.register_hook(move |gradient| {
                seen.lock().expect("no panic").push(gradient.to_vec::<f32>().expect("numbers"));
                Some(gradient * 3.0)
            })?);
        }
        let run = || Layer::forward(&model, &x);
        let y = if compiled { run()? } else { op_by_op(run)? };
        assert_eq!(y.grad_fn() == Some("model"), compiled);
        y.square().sum().backward()?;
        hooks.into_iter().for_each(rustorch::autograd::HookHandle::remove);
        let grads = [&model.scale, &model.shift, &model.fc.weight].map(|parameter| parameter.grad());
        let mut seen = std::mem::take(&mut *seen.lock().expect("no panic"));
        seen.sort_by(|a, b| (a.len(), a[0].to_bits()).cmp(&(b.len(), b[0].to_bits())));
        Ok((grads.into_iter().flatten().collect(), seen))
    };
    let ((eager, eager_seen), (compiled, seen)) = (grads(false)?, grads(true)?);
    assert_eq!((eager.len(), seen.len(), eager_seen.len()), (3, 3, 3));
    for (a, b) in eager.iter().zip(&compiled) {
        close(a, b, "a gradient that a hook has changed");
    }
    for (a, b) in seen.iter().flatten().zip(eager_seen.iter().flatten()) {
        assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{a} {b}");
    }
    // A training step, which has no tape, heeds hooks as well.
    let hook = model.scale.register_hook(|gradient| Some(gradient * 0.0))?;
    let before = model.scale.to_vec::<f32>()?;
    let optimiser = optim::SGD::new(model.parameters(), 0.1);
    let mut step = TrainStep::new(&model, nn::MSELoss::new(), optimiser);
    step.step(&[&x], &Tensor::ones([5, 4]))?;
    assert_eq!(model.scale.to_vec::<f32>()?, before);
    hook.remove();
    step.step(&[&x], &Tensor::ones([5, 4]))?;
    assert_ne!(model.scale.to_vec::<f32>()?, before);
    Ok(())
}

#[test]
fn gradients_add_up_over_passes() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    let model = Own::new();
    let batches = [Tensor::randn([5, 4]), Tensor::randn([2, 4]), Tensor::randn([5, 4])];
    let grads = |compiled: bool| -> Result<Vec<Tensor>> {
        model.parameters().iter().try_for_each(|parameter| parameter.set_grad(None))?;
        for x in &batches {
            let run = || Layer::forward(&model, x);
            let y = if compiled { run()? } else { op_by_op(run)? };
            y.square().sum().backward()?;
        }
        // Two passes whose gradients arrive in one walk.
        let run = || Layer::forward(&model, &batches[0])?.add(&Layer::forward(&model, &batches[2])?);
        let y = if compiled { run()? } else { op_by_op(run)? };
        y.square().sum().backward()?;
        Ok(model.parameters().iter().filter_map(Tensor::grad).collect())
    };
    let (eager, compiled) = (grads(false)?, grads(true)?);
    assert_eq!(eager.len(), 4);
    eager.iter().zip(&compiled).for_each(|(a, b)| close(a, b, "a sum of gradients"));
    Ok(())
}

model! {
    /// Layers of sizes that may be 0.
    Narrow<const INPUTS: usize, const HIDDEN: usize> {
        first: Linear(INPUTS, HIDDEN),
        last: Linear(HIDDEN, 2),
    }
    forward(x: [batch, INPUTS]) -> [batch, 2] {
        last(relu(first(x)))
    }
}

/// Without features, the result is the bias, as in PyTorch.
#[test]
fn layers_without_features() -> Result<()> {
    fn check<const INPUTS: usize, const HIDDEN: usize>(batch: usize) -> Result<()> {
        let model = Narrow::<INPUTS, HIDDEN>::new();
        let x = Tensor::ones([batch, INPUTS]).typed::<shape![Batch, INPUTS]>()?;
        for train in [true, false] {
            if train {
                model.train()
            } else {
                model.eval()
            }
            model.zero_grad();
            let y = model.try_forward(&x)?;
            y.sum().backward()?;
            let gradients: Vec<Tensor> = model.parameters().iter().filter_map(Tensor::grad).collect();
            model.zero_grad();
            let expected = op_by_op(|| model.try_forward(&x))?;
            expected.sum().backward()?;
            assert_eq!(y.to_vec::<f32>()?, expected.to_vec::<f32>()?);
            assert_eq!(y.shape(), [batch, 2]);
            let again: Vec<Tensor> = model.parameters().iter().filter_map(Tensor::grad).collect();
            assert_eq!((gradients.len(), again.len()), (4, 4));
            for (found, expected) in gradients.iter().zip(&again) {
                assert_eq!(found.shape(), expected.shape());
                assert_eq!(found.to_vec::<f32>()?, expected.to_vec::<f32>()?);
            }
        }
        Ok(())
    }
    let _turn = turn();
    check::<0, 3>(2)?;
    check::<3, 0>(2)?;
    check::<0, 0>(2)?;
    check::<3, 4>(0)?;
    check::<3, 0>(0)
}
