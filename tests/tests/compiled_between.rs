//! What happens between a forward pass and its gradients, compiled and op by op: switches, frozen parameters, changes in place, other
//! passes.

use rustorch::compiled::op_by_op;
use rustorch::prelude::*;
use rustorch::{DType, Result, manual_seed, no_grad};
use rustorch_tests::compiled::close;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

model! {
    /// A model inside another, which calls it twice.
    Inner<const D: usize> { fc: Linear(D, D), drop: Dropout(0.3), gain: Param([D], init = ones), shift: Param([D]) }
    forward(x: [rows, D]) -> [rows, D] {
        let y = drop(tanh(fc(x))) * gain + shift;
        let z = if self.training { y * 2.0 } else { y };
        z + x
    }
}

model! {
    /// Layers that behave otherwise in training, and gradients that read some parameters and not others.
    Zoo {
        table: Embedding(7, 6),
        conv: Conv1d(6, 6, kernel = 3, padding = 1),
        bn: BatchNorm1d(6),
        inorm: InstanceNorm1d(6, affine = true, track_running_stats = true),
        lstm: Lstm(6, 6, num_layers = 2, batch_first = true, dropout = 0.2),
        mha: MultiheadAttention(6, 2, dropout = 0.2, batch_first = true),
        ln: LayerNorm(6),
        drop: Dropout(0.2),
        rrelu: RReLU,
        inner: Inner<6>,
        fc: Linear(6, 6),
        out: Linear(6, 4),
    }
    forward(x: [batch, seq, 6], i: [batch, seq]) -> [batch, 4] {
        let h = table(i) + x;
        let c = permute(inorm(relu(bn(conv(permute(h, [0, 2, 1]))))), [0, 2, 1]);
        let (l, _) = lstm(c);
        let a = mha(l, l, l);
        let h = ln(a + drop(rrelu(fc(h))));
        let p: [batch, 6] = inner(mean(dropout(h, 0.1), 1));
        let p: [batch, 6] = inner(p);
        if self.training { out(p) } else { out(p) * 0.5 }
    }
}

fn forward(model: &Zoo, x: &Tensor, i: &Tensor) -> Result<Tensor> {
    let (x, i) = (x.typed::<shape![Batch, Seq, 6]>()?, i.typed::<shape![Batch, Seq]>()?);
    Ok(model.try_forward(&x, &i)?.into_tensor())
}

/// A network, its inputs and its output.
struct Passed<'a> {
    model: &'a Zoo,
    x: &'a Tensor,
    i: &'a Tensor,
    y: &'a Tensor,
}

/// How a pass is made.
#[derive(Clone, Copy, Debug)]
struct Setting {
    training: bool,
    /// Every how manieth parameter is frozen; none if 0.
    frozen: usize,
    /// Whether the input wants a gradient.
    leaf: bool,
}

/// Output, gradients and buffers after something has happened before backward.
fn outcome(
    compiled: bool,
    setting: Setting,
    happens: &dyn Fn(&Passed<'_>) -> Result<()>,
) -> Result<Vec<Option<Tensor>>> {
    manual_seed(5);
    let model = Zoo::new();
    if setting.training {
        model.train()
    } else {
        model.eval()
    }
    let parameters = model.parameters();
    if setting.frozen > 0 {
        parameters.iter().step_by(setting.frozen).try_for_each(|one| one.requires_grad_(false).map(drop))?;
    }
    let leaf = Tensor::randn([3, 5, 6]).requires_grad_(setting.leaf)?;
    let x = leaf.mul(1.0)?;
    let i = Tensor::randint(0, 7, [3, 5]);
    let y = if compiled { forward(&model, &x, &i)? } else { op_by_op(|| forward(&model, &x, &i))? };
    assert_eq!(y.grad_fn() == Some("model"), compiled);
    happens(&Passed { model: &model, x: &x, i: &i, y: &y })?;
    let weights = Tensor::arange(0, 12, 1)?.to_dtype(DType::F32).sin().reshape([3, 4])?;
    y.mul(&weights)?.sum().backward()?;
    let grads = std::iter::once(&leaf).chain(&parameters).map(Tensor::grad);
    let buffers = model.buffers();
    let values = std::iter::once(y.detach()).chain(buffers.iter().map(Tensor::copy)).map(Some);
    Ok(grads.chain(values).collect())
}

/// Fails unless both passes give the same, or both refuse.
fn same(what: &str, happens: impl Fn(&Passed<'_>) -> Result<()>) {
    for (training, frozen, leaf) in
        [(true, 0, true), (true, 2, false), (true, 3, true), (false, 0, false), (false, 2, true)]
    {
        let setting = Setting { training, frozen, leaf };
        match [false, true].map(|compiled| outcome(compiled, setting, &happens)) {
            [Ok(eager), Ok(compiled)] => {
                for (at, (a, b)) in eager.iter().zip(&compiled).enumerate() {
                    let what = format!("{what}, {setting:?}: {at}");
                    match (a, b) {
                        (Some(a), Some(b)) => close(a, b, &what),
                        (a, b) => assert!(a.is_none() && b.is_none(), "{what} is missing"),
                    }
                }
            }
            [Err(_), Err(_)] => {}
            [eager, compiled] => {
                let [eager, compiled] = [eager, compiled].map(Result::err);
                panic!("{what}, {setting:?}: {eager:?} op by op, {compiled:?} compiled")
            }
        }
    }
}

#[test]
fn switches_and_other_passes_change_nothing() {
    let _turn = turn();
    same("nothing", |_| Ok(()));
    same("evaluating", |passed| {
        passed.model.eval();
        Ok(())
    });
    same("training", |passed| {
        passed.model.train();
        Ok(())
    });
    same("another pass", |passed| forward(passed.model, &passed.x.detach(), passed.i).map(drop));
    same("another batch", |passed| {
        forward(passed.model, &Tensor::randn([7, 2, 6]), &Tensor::randint(0, 7, [7, 2])).map(drop)
    });
    same("inference", |passed| {
        passed.model.eval();
        no_grad(|| forward(passed.model, passed.x, passed.i)).map(drop)
    });
}

#[test]
fn freezing_after_the_pass_is_as_op_by_op() {
    let _turn = turn();
    for requires_grad in [false, true] {
        let all = |passed: &Passed<'_>| {
            let mut parameters = passed.model.parameters().into_iter();
            parameters.try_for_each(|one| one.requires_grad_(requires_grad).map(drop))
        };
        same(&format!("requires_grad = {requires_grad}"), all);
        for (at, (name, _)) in Zoo::new().named_parameters().iter().enumerate() {
            same(&format!("requires_grad = {requires_grad} of {name}"), |passed| {
                passed.model.parameters()[at].requires_grad_(requires_grad).map(drop)
            });
        }
    }
}

#[test]
fn what_gradients_read_must_not_change_and_the_rest_may() {
    let _turn = turn();
    same("the input", |passed| no_grad(|| passed.x.add_(0.5)).map(drop));
    same("the indices", |passed| no_grad(|| passed.i.zero_()).map(drop));
    same("the output", |passed| passed.y.mul_(0.5).map(drop));
    same("the buffers", |passed| {
        passed.model.buffers().iter().try_for_each(|one| no_grad(|| one.zero_()).map(drop))
    });
    same("everything", |passed| passed.model.load_state_dict(&Zoo::new().state_dict()));
    for (at, (name, _)) in Zoo::new().named_parameters().iter().enumerate() {
        // Of recurrent layers, the op-by-op pass takes biases for read.
        if !name.starts_with("lstm.bias") {
            same(name, |passed| no_grad(|| passed.model.parameters()[at].add_(0.25)).map(drop));
        }
    }
}

#[test]
fn a_bias_may_change_and_a_weight_may_not() -> Result<()> {
    let _turn = turn();
    let (x, i) = (Tensor::randn([3, 5, 6]), Tensor::randint(0, 7, [3, 5]));
    let model = Zoo::new();
    let y = forward(&model, &x, &i)?;
    no_grad(|| model.out.bias.as_ref().unwrap().zero_())?;
    y.sum().backward()?;
    let y = forward(&model, &x, &i)?;
    no_grad(|| model.out.weight.zero_())?;
    let error = y.sum().backward().unwrap_err().to_string();
    assert!(error.contains("[4, 6]") && error.contains("modified by an in-place operation"), "{error}");
    Ok(())
}
