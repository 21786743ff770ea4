//! The kernels of the compiled pass against the operations that they stand for.

use rustorch::compiled::{Compiled, explain, op_by_op};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::nn::Module;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed, no_grad};
use rustorch_tests::compiled::{both, check, close};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

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

model! {
    /// Normalisations of channels after convolutions and alone, with sums and activations or without.
    Normal {
        stem: Conv2d(3, 16, kernel = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(16),
        conv2: Conv2d(16, 16, kernel = 3, padding = 1, bias = false),
        bn2: BatchNorm2d(16, momentum = 0.3),
        conv3: Conv2d(16, 20, kernel = 3, stride = 2, padding = 1, bias = false),
        bn3: BatchNorm2d(20, affine = false),
        shortcut: Conv2d(16, 20, kernel = 1, stride = 2, bias = false),
        bn4: BatchNorm2d(20, eps = 0.01),
        alone: BatchNorm2d(20, track_running_stats = false),
        fc: Linear(20, 6, bias = false),
        bn5: BatchNorm1d(6, momentum = None, bias = false),
    }
    forward(x: [batch, 3, 8, 8]) -> ([batch, 6], [batch, 16, 8, 8]) {
        let x = relu(bn1(stem(x)));
        let y = relu(x + bn2(conv2(x)));
        let z = bn3(conv3(y));
        let z = relu(z + bn4(shortcut(y)));
        let w = silu(alone(z));
        let v = relu(bn5(fc(mean(w, [2, 3]))));
        (v, y)
    }
}

fn normal(model: &Normal, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (u, v) = model.forward(&x[0].typed::<shape![Batch, 3, 8, 8]>()?);
    Ok(vec![u.into_tensor(), v.into_tensor()])
}

#[test]
fn batch_norm_is_the_same() -> Result<()> {
    let _turn = turn();
    // For one network in a hundred, few samples make both ways differ from double precision by as much as is allowed here.
    manual_seed(1);
    let model = Normal::new();
    let x = [Tensor::randn([5, 3, 8, 8])];
    both(&model, &x, normal)?;
    model.eval();
    both(&model, &x, normal)?;
    let compiled = no_grad(|| normal(&model, &x))?;
    let eager = no_grad(|| op_by_op(|| normal(&model, &x)))?;
    compiled.iter().zip(&eager).for_each(|(a, b)| close(b, a, "inference"));
    let schedule = Normal::SCHEDULE.join("\n");
    assert!(schedule.contains("relu(add(bn2(conv2(·)), ·))"), "{schedule}");
    assert!(
        schedule.contains("relu(add(bn3(conv3(·)), ·))") && schedule.contains("relu(bn5(·))"),
        "{schedule}"
    );
    Ok(())
}

#[test]
fn running_statistics_are_tracked_alike() -> Result<()> {
    let _turn = turn();
    let statistics = |compiled: bool| -> Result<Vec<Vec<f32>>> {
        manual_seed(5);
        let model = Normal::new();
        let x = [Tensor::randn([5, 3, 8, 8])];
        for _ in 0..3 {
            if compiled {
                normal(&model, &x)?
            } else {
                op_by_op(|| normal(&model, &x))?
            };
        }
        model.buffers().iter().filter(|buffer| buffer.dtype() == DType::F32).map(Tensor::to_vec).collect()
    };
    for (a, b) in statistics(false)?.iter().flatten().zip(statistics(true)?.iter().flatten()) {
        assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{a} op by op, {b} compiled");
    }
    Ok(())
}

model! {
    Folded { conv: Conv2d(3, 16, kernel = 3, padding = 1), bn: BatchNorm2d(16) }
    forward(x: [batch, 3, 8, 8]) -> [batch, 16, 8, 8] { relu(bn(conv(x))) }
}

#[test]
fn folded_weights_follow_their_parameters() -> Result<()> {
    let _turn = turn();
    let model = Folded::new();
    model.eval();
    let x = Tensor::randn([2, 3, 8, 8]);
    let agree = || -> Result<()> {
        let run = || no_grad(|| Layer::forward(&model, &x));
        close(&op_by_op(run)?, &run()?, "inference");
        Ok(())
    };
    agree()?;
    no_grad(|| model.conv.weight.mul_(1.5))?;
    agree()?;
    let bn = &model.bn;
    for tensor in [&bn.running_mean, &bn.running_var, &bn.weight, &bn.bias, &model.conv.bias] {
        no_grad(|| tensor.as_ref().expect("it has one").add_(0.25))?;
        agree()?;
    }
    Ok(())
}

#[test]
fn training_on_one_value_per_channel_is_an_error() {
    let _turn = turn();
    model! { One { bn: BatchNorm1d(6) } forward(x: [batch, 6]) -> [batch, 6] { bn(x) } }
    let result = One::new().try_forward(&Tensor::randn([1, 6]).typed::<shape![Batch, 6]>().unwrap());
    let text = "batch_norm: training needs more than one value per channel, but the input is [1, 6]";
    assert_eq!(result.unwrap_err().to_string(), text);
}

model! {
    /// Tensors joined and taken apart, sums over axes, softmax, averages over windows, products.
    Plain {
        conv: Conv2d(3, 4, kernel = 3, padding = 1),
        pool: AvgPool2d(2, padding = 1, count_include_pad = false),
        adaptive: AdaptiveAvgPool2d([3, 2]),
        soft: LogSoftmax(1),
        fc: Linear(4, 6),
    }
    forward(x: [batch, 3, 6, 8], w: [8, 5])
        -> ([batch, 6], [batch, 4, 3, 2], [batch, 4, 6, 5], [2, batch, 4], [batch, 4, 4], [batch, 3, 3], [batch, 3]) {
        let y = conv(x);
        let both = cat([y, x], 1);
        let (a, b) = chunk(both, 2, 3);
        let (c, m, d) = split(a * b, [1, 3, 3], 1);
        let z = adaptive(pool(cat([c, d], -3)));
        let means = mean(softmax(y, -1), [2, 3]);
        let stacked = stack([means, sum(y, [3, 2]), max_pool2d(y, [6, 8])[.., .., 0, 0]], 0);
        let flat = flatten(y, 2);
        let gram = bmm(flat, transpose(flat, 1, 2));
        let averages = avg_pool2d(x, [6, 4], stride = [6, 2], ceil_mode = true)[.., .., 0];
        let (p, _, r) = unbind(averages, 2);
        let out = soft(fc(sum(stacked, 0))) + mean(z) - sum(m[0]);
        let parts = averages * narrow(mean(x, [2]), 2, 4, 3);
        (out, z, matmul(y, w), stacked[1..3], gram, parts, mean(p * r, 1, keepdim = true) * p)
    }
}

fn plain(model: &Plain, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g) =
        model.forward(&x[0].typed::<shape![Batch, 3, 6, 8]>()?, &x[1].typed::<shape![8, 5]>()?);
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
    Ok(all.into_iter().chain([f.into_tensor(), g.into_tensor()]).collect())
}

#[test]
fn joins_sums_averages_and_products_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Plain>(), Vec::<&str>::new());
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 3, 6, 8]), Tensor::randn([8, 5])];
    check(&Plain::new(), inputs, plain)
}

#[test]
fn options_of_poolings_that_are_not_the_declared_ones_run_op_by_op() -> Result<()> {
    let _turn = turn();
    model! {
        Pools { max: MaxPool2d(2), mean: AvgPool2d(2), soft: Softmax(1) }
        forward(x: [batch, 2, 4, 4]) -> ([batch, 2, 2, 2], [batch, 2, 2, 2], [batch, 2, 4, 4]) {
            (max(x), mean(x), soft(x))
        }
    }
    let run = |model: &Pools, x: &Tensor| -> Result<Vec<Tensor>> {
        let (a, b, c) = model.try_forward(&x.typed::<shape![Batch, 2, 4, 4]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    };
    let (mut model, x) = (Pools::new(), Tensor::randn([3, 2, 4, 4]));
    run(&model, &x)?;
    // Each change is one that leaves the shapes as they are.
    model.max.kernel = [1, 1];
    model.mean.kernel = [1, 2];
    model.soft.dim = 2;
    let changed = run(&model, &x)?;
    for (a, b) in changed.iter().zip(&op_by_op(|| run(&model, &x))?) {
        close(b, a, "another option");
    }
    Ok(())
}

model! {
    /// Sums of windows divided by other numbers than their sizes, and sizes that stay.
    Divided { mean: AvgPool2d(2, divisor_override = 3), kept: AdaptiveAvgPool2d([2, None]), all: AdaptiveAvgPool2d(None) }
    forward(x: [batch, 2, 4, 6])
        -> ([batch, 2, 2, 3], [batch, 2, 2, 6], [batch, 2, 4, 6], [batch, 2, 2, 3], [batch, 2, 4, 1], [batch, 2, 4, 2]) {
        let most = adaptive_max_pool2d(x, [None, 2]);
        let sums = avg_pool2d(x, 2, divisor_override = 1);
        (mean(x), kept(x), all(x), sums, adaptive_avg_pool2d(x, [None, 1]), most)
    }
}

fn divided(model: &Divided, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f) = model.try_forward(&x[0].typed::<shape![Batch, 2, 4, 6]>()?)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
    Ok(all.into_iter().chain([f.into_tensor()]).collect())
}

#[test]
fn divisors_and_kept_sizes_of_poolings_are_those_of_the_functions() -> Result<()> {
    use rustorch::nn::functional::{self as f, AvgPool2dOptions};
    let _turn = turn();
    check(&Divided::new(), |batch: usize, _: usize| vec![Tensor::randn([batch, 2, 4, 6])], divided)?;
    let (mut model, x) = (Divided::new(), Tensor::randn([3, 2, 4, 6]));
    let wanted = |divisor: Option<usize>| {
        f::avg_pool2d(&x, [2, 2], AvgPool2dOptions { divisor_override: divisor, ..Default::default() })
    };
    let all = std::slice::from_ref(&x);
    close(&divided(&model, all)?[0], &wanted(Some(3))?, "divided by 3");
    close(&divided(&model, all)?[3], &wanted(Some(1))?, "divided by 1");
    close(&divided(&model, all)?[1], &f::adaptive_avg_pool2d(&x, [Some(2), None])?, "width kept");
    close(&divided(&model, all)?[2], &x, "both kept");
    model.mean.divisor_override = None;
    close(&divided(&model, all)?[0], &wanted(None)?, "divided by the size");
    Ok(())
}

model! {
    /// Contractions of every arrangement of indices: batches, several rows, columns and sums, with or without each of them.
    Contractions { fc: Linear(6, 6), w: Param([2, 3, 5], init = normal(0.0, 1.0)), v: Param([3, 2, 4], init = normal(0.0, 1.0)) }
    forward(x: [batch, 4, 2, 3], y: [batch, 5, 2, 3])
        -> ([batch, 2, 4, 5], [batch, 4, 2, 3], [batch, 4, 5], [batch, 4, 4], [batch], [4, 2, 3, 5, 2, 3], [batch, 3, 4], [5, batch]) {
        let x = reshape(fc(flatten(x, 2)), [batch, 4, 2, 3]);
        let scores = einsum!("bqhd,bkhd->bhqk", x, y);
        let mixed = einsum!("bhqk,bkhd->bqhd", softmax(scores, -1), y);
        let merged = einsum!("bqhd,hdk->bqk", x, w);
        let apart = einsum!("bqhd,dhk->bqk", x, v);
        let single = einsum!("bk,k->b", mean(merged, 1), sum(w, [0, 1]));
        let outer = einsum!("qhd,kij->qhdkij", mean(x, 0), mean(y, 0));
        let crossed = einsum!("bqhd,hdq->bdq", x, permute(mean(x, 0), [1, 2, 0]));
        let turned = einsum!("bk,bk->kb", sum(merged, 1), mean(y, [2, 3]));
        (scores, mixed, merged, apart, single, outer, crossed, turned)
    }
}

#[test]
fn contractions_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Contractions>(), Vec::<&str>::new());
    let inputs =
        |batch: usize, _: usize| vec![Tensor::randn([batch, 4, 2, 3]), Tensor::randn([batch, 5, 2, 3])];
    check(&Contractions::new(), inputs, |model, x| {
        let (a, b, c, d, e, f, g, h) =
            model.forward(&x[0].typed::<shape![Batch, 4, 2, 3]>()?, &x[1].typed::<shape![Batch, 5, 2, 3]>()?);
        let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
        Ok(all.into_iter().chain([f.into_tensor(), g.into_tensor(), h.into_tensor()]).collect())
    })
}

model! {
    /// Every second position, as the merging of patches has it (Liu et al. 2021).
    Merging { fc: Linear(3, 3), down: Linear(12, 6, bias = false) }
    forward(x: [batch, 6, 8, 3]) -> ([batch, 3, 4, 6], [batch, 6, 8, 1]) {
        let x = fc(x);
        let (a, b) = (slice(x, 1, 0, 6, 2), slice(x, 1, 1, 6, 2));
        let all = cat([slice(a, 2, 0, 8, 2), slice(b, 2, 0, 8, 2), slice(a, 2, 1, 8, 2), slice(b, 2, 1, 8, 2)], -1);
        (down(all), slice(x, -1, 1, 3, 3))
    }
}

#[test]
fn positions_that_are_steps_apart_are_a_kernel() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Merging>(), Vec::<&str>::new());
    check(
        &Merging::new(),
        |batch, _| vec![Tensor::randn([batch, 6, 8, 3])],
        |model, x| {
            let (a, b) = model.forward(&x[0].typed::<shape![Batch, 6, 8, 3]>()?);
            Ok(vec![a.into_tensor(), b.into_tensor()])
        },
    )
}

model! {
    /// Linear maps by weights that a body names.
    Tied { table: Embedding(7, 6), fc: Linear(6, 6), w: Param([5, 6], init = normal(0.0, 1.0)) }
    forward(text: [batch, seq], x: [batch, 6]) -> ([batch, seq, 7], [batch, 5]) {
        (linear(tanh(fc(table(text))), table.weight), linear(x, w))
    }
}

#[test]
fn linear_maps_by_named_weights_are_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Tied>(), Vec::<&str>::new());
    let inputs =
        |batch: usize, seq: usize| vec![Tensor::randint(0, 7, [batch, seq]), Tensor::randn([batch, 6])];
    check(&Tied::new(), inputs, |model, x| {
        let (a, b) = model.forward(&x[0].typed::<shape![Batch, Seq]>()?, &x[1].typed()?);
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}
