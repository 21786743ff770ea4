//! Compiled networks against the same networks op by op: outputs, gradients, and everything that autograd promises.

use rustorch::autograd::{GradOptions, grad};
use rustorch::compiled::op_by_op;
use rustorch::nn::{Layer, Module};
use rustorch::prelude::*;
use rustorch::{Result, inference_mode, no_grad};
use rustorch_tests::compiled::{both, check, close};
use rustorch_tests::turns::turn;

model! {
    Mlp { fc1: Linear(12, 32), fc2: Linear(32, 32), fc3: Linear(32, 5) }
    forward(x: [batch, 12]) -> [batch, 5] { fc3(gelu(fc2(relu(fc1(x))))) }
}

model! {
    ConvNet {
        conv1: Conv2d(1, 6, kernel = 3, padding = 1),
        conv2: Conv2d(_, 8, kernel = 3, stride = 2),
        norm: BatchNorm2d(8),
        pool: MaxPool2d(2),
        fc: Linear(_, 5),
    }
    forward(x: [batch, 1, 12, 12]) -> [batch, 5] {
        let x = relu(conv1(x));
        let x = max_pool2d(x, 2, stride = 1);
        let x = pool(silu(norm(conv2(x))));
        fc(flatten(x, 1))
    }
}

model! {
    /// Convolutions whose pooling is fused, by each of the kernels, and some whose is not.
    Pooled {
        conv1: Conv2d(1, 16, kernel = 3, padding = 1),
        conv2: Conv2d(_, 24, kernel = 3, padding = 1),
        pool: MaxPool2d(2),
        conv3: Conv2d(_, 10, kernel = 3, padding = 1, bias = false),
        conv4: Conv2d(_, 8, kernel = 1),
        conv5: Conv2d(_, 6, kernel = 2, padding_mode = "circular", padding = 1),
    }
    forward(x: [batch, 1, 24, 24]) -> ([batch, 16, 12, 12], [batch, 6, 1, 1]) {
        let first = max_pool2d(relu(conv1(x)), 2);
        let x = pool(relu(conv2(first)));
        let x = max_pool2d(conv3(x), 2);
        let x = max_pool2d(conv4(x), 2, padding = 1);
        (first, max_pool2d(silu(conv5(x)), 3))
    }
}

model! {
    Block<const D: usize, const HEADS: usize> {
        ln1: LayerNorm(D),
        query: Linear(D, D),
        key: Linear(D, D),
        value: Linear(D, D, bias = false),
        proj: Linear(D, D),
        ln2: LayerNorm(D),
        up: Linear(D, 4 * D),
        down: Linear(4 * D, D),
        drop: Dropout(0.1),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let h = ln1(x);
        let q = transpose(reshape(query(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let k = transpose(reshape(key(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let v = transpose(reshape(value(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let a = scaled_dot_product_attention(q, k, v, causal = true);
        let x = x + proj(reshape(transpose(a, 1, 2), [batch, seq, D]));
        x + drop(down(gelu(up(ln2(x)), approximate = "tanh")))
    }
}

model! {
    Gpt<const D: usize, const LAYERS: usize> {
        tokens: Embedding(11, D),
        positions: Embedding(16, D),
        blocks: [Block<D, 2>; LAYERS],
        ln: LayerNorm(D),
        head: Linear(D, 11, bias = false),
    }
    forward(text: [batch, seq], places: [seq]) -> [batch, seq, 11] {
        let x = tokens(text) + positions(places);
        for block in self.blocks {
            x = block(x);
        }
        head(ln(x))
    }
}

model! {
    /// Several inputs and outputs, shared layers, numbers, broadcasting, branches, operations without a kernel of their own.
    Mixed { shared: Linear(6, 6), scale: Linear(6, 1), out: Linear(12, 4) }
    forward(a: [batch, 6], b: [6]) -> ([batch, 4], [batch, 6]) {
        let x = tanh(shared(a)) * 0.5 + b;
        let y = shared(x) - scale(a) / 3.0;
        let z = 1.0 - y * y;
        let joined = cat([x, z], 1);
        let w = if self.training { z + z } else { maximum(z, x) };
        (out(joined), softmax(w, 1) * einsum!("bi,bi->b", x, -y).unsqueeze(1))
    }
}

model! {
    /// Attention in other arrangements: a key that is used again, a result that is not transposed, one head.
    Attend { mix: Linear(4, 4) }
    forward(q: [batch, 5, 2, 4], k: [batch, 7, 2, 4]) -> ([batch, 2, 5, 4], [batch, 5, 7]) {
        let keys = transpose(k, 1, 2);
        let a = scaled_dot_product_attention(transpose(q, 1, 2), keys, mix(keys));
        let flat = reshape(mix(k), [batch, 7, 8]);
        let one = scaled_dot_product_attention(flat, flat, transpose(matmul(transpose(flat, 1, 2), flat), 1, 2).narrow(1, 0, 7), causal = true);
        (a, narrow(one, 1, 0, 5).narrow(2, 0, 7))
    }
}

dim!(Batch, Seq, Other);

fn mlp(model: &Mlp, x: &[Tensor]) -> Result<Vec<Tensor>> {
    Ok(vec![model.forward(&x[0].typed::<shape![Batch, 12]>()?).into_tensor()])
}

#[test]
fn mlp_is_the_same() -> Result<()> {
    let _turn = turn();
    for batch in [1, 3, 64] {
        both(&Mlp::new(), &[Tensor::randn([batch, 12])], mlp)?;
    }
    Ok(())
}

#[test]
fn convnet_is_the_same_in_both_modes() -> Result<()> {
    let _turn = turn();
    let model = ConvNet::new();
    let run = |model: &ConvNet, x: &[Tensor]| {
        Ok(vec![model.forward(&x[0].typed::<shape![Batch, 1, 12, 12]>()?).into_tensor()])
    };
    both(&model, &[Tensor::randn([4, 1, 12, 12])], run)?;
    model.eval();
    both(&model, &[Tensor::randn([4, 1, 12, 12])], run)?;
    both(&model, &[Tensor::randn([1, 1, 12, 12])], run)
}

#[test]
fn fused_pooling_is_the_same() -> Result<()> {
    let _turn = turn();
    let model = Pooled::new();
    let run = |model: &Pooled, x: &[Tensor]| {
        let (a, b) = model.forward(&x[0].typed::<shape![Batch, 1, 24, 24]>()?);
        Ok(vec![a.into_tensor(), b.into_tensor()])
    };
    both(&model, &[Tensor::randn([3, 1, 24, 24])], run)?;
    let x = [Tensor::randn([1, 1, 24, 24])];
    let all = |outputs: Vec<Tensor>| outputs.iter().map(|y| y.to_vec::<f32>()).collect::<Result<Vec<_>>>();
    let trained = all(run(&model, &x)?)?;
    assert_eq!(all(no_grad(|| run(&model, &x))?)?, trained);
    Ok(())
}

fn gpt(model: &Gpt<8, 3>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (text, places) = (x[0].typed::<shape![Batch, Seq]>()?, x[1].typed::<shape![Seq]>()?);
    Ok(vec![model.forward(&text, &places).into_tensor()])
}

#[test]
fn transformer_is_the_same() -> Result<()> {
    let _turn = turn();
    let model = Gpt::<8, 3>::new();
    let inputs = [Tensor::randint(0, 11, [2, 10]), Tensor::arange(0, 10, 1)?];
    both(&model, &inputs, gpt)?;
    model.eval();
    both(&model, &inputs, gpt)?;
    let error = model
        .try_forward(
            &Tensor::full([1, 3], 11i64).typed::<shape![Batch, Seq]>()?,
            &Tensor::arange(0, 3, 1)?.typed()?,
        )
        .unwrap_err();
    assert_eq!(error.to_string(), "embedding: index 11 is out of range for axis 0 of size 11");
    Ok(())
}

#[test]
fn attention_is_the_same_in_every_arrangement() -> Result<()> {
    let _turn = turn();
    let run = |model: &Attend, x: &[Tensor]| {
        let (a, b) =
            model.forward(&x[0].typed::<shape![Batch, 5, 2, 4]>()?, &x[1].typed::<shape![Batch, 7, 2, 4]>()?);
        Ok(vec![a.into_tensor(), b.into_tensor()])
    };
    both(&Attend::new(), &[Tensor::randn([3, 5, 2, 4]), Tensor::randn([3, 7, 2, 4])], run)
}

fn mixed(model: &Mixed, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b) = model.forward(&x[0].typed::<shape![Batch, 6]>()?, &x[1].typed::<shape![6]>()?);
    Ok(vec![a.into_tensor(), b.into_tensor()])
}

#[test]
fn branches_tuples_and_broadcasting_are_the_same() -> Result<()> {
    let _turn = turn();
    let model = Mixed::new();
    let inputs = [Tensor::randn([5, 6]), Tensor::randn([6])];
    both(&model, &inputs, mixed)?;
    model.eval();
    both(&model, &inputs, mixed)
}

#[test]
fn frozen_parameters_have_no_gradient() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    model.fc2.weight.requires_grad_(false)?;
    model.fc1.bias.as_ref().unwrap().requires_grad_(false)?;
    both(&model, &[Tensor::randn([3, 12])], mlp)?;
    assert!(model.fc2.weight.grad().is_none() && model.fc1.weight.grad().is_some());
    for parameter in model.parameters() {
        parameter.requires_grad_(false)?;
    }
    let output = Layer::forward(&model, &Tensor::randn([3, 12]))?;
    assert!(!output.requires_grad());
    Ok(())
}

#[test]
fn strided_inputs_and_several_passes_before_backward() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let base = Tensor::randn([12, 6]).requires_grad_(true)?;
    let strided = || base.t();
    let first = mlp(&model, &[strided()?])?.remove(0);
    let second = mlp(&model, &[strided()?.mul(2.0)?])?.remove(0);
    first.sum().add(&second.square().sum())?.backward()?;
    let compiled: Vec<Tensor> = model.parameters().iter().chain([&base]).map(|t| t.grad().unwrap()).collect();
    for parameter in model.parameters().iter().chain([&base]) {
        parameter.set_grad(None)?;
    }
    op_by_op(|| -> Result<()> {
        let first = mlp(&model, &[strided()?])?.remove(0);
        let second = mlp(&model, &[strided()?.mul(2.0)?])?.remove(0);
        first.sum().add(&second.square().sum())?.backward()
    })?;
    for (parameter, compiled) in model.parameters().iter().chain([&base]).zip(&compiled) {
        close(&parameter.grad().unwrap(), compiled, "gradient");
    }
    Ok(())
}

#[test]
fn graphs_may_be_walked_again_and_differentiated() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let x = Tensor::randn([3, 12]).requires_grad_(true)?;
    let second = |compiled: bool| -> Result<Vec<f32>> {
        let run = || mlp(&model, std::slice::from_ref(&x));
        let output = if compiled { run()? } else { op_by_op(run)? }.remove(0);
        let options = GradOptions { create_graph: true, ..GradOptions::default() };
        let first = grad(&[&output.square().sum()], &[&x], &[None], options)?.remove(0).unwrap();
        let last = grad(&[&first.square().sum()], &[&model.fc1.weight], &[None], GradOptions::default())?;
        last[0].as_ref().unwrap().to_vec::<f32>()
    };
    let (a, b) = (second(false)?, second(true)?);
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4 * (1.0 + a.abs())), "{a:?}\n{b:?}");
    let loss = mlp(&model, std::slice::from_ref(&x))?.remove(0).sum();
    let options = GradOptions { retain_graph: true, ..GradOptions::default() };
    let once = grad(&[&loss], &[&x], &[None], options)?.remove(0).unwrap();
    let again = grad(&[&loss], &[&x], &[None], GradOptions::default())?.remove(0).unwrap();
    assert_eq!(once.to_vec::<f32>()?, again.to_vec::<f32>()?);
    assert!(grad(&[&loss], &[&x], &[None], GradOptions::default()).is_err(), "the graph was freed");
    Ok(())
}

#[test]
fn a_weight_changed_before_backward_is_an_error() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let loss = mlp(&model, &[Tensor::randn([2, 12])])?.remove(0).sum();
    no_grad(|| model.fc2.weight.add_(1.0))?;
    let error = loss.backward().unwrap_err().to_string();
    assert!(error.contains("[32, 32]") && error.contains("in-place"), "{error}");
    Ok(())
}

#[test]
fn hooks_on_parameters_run() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let _handle = model.fc1.weight.register_hook(|grad| grad.mul(0.0).ok())?;
    mlp(&model, &[Tensor::randn([2, 12])])?.remove(0).sum().backward()?;
    assert!(model.fc1.weight.grad().unwrap().to_vec::<f32>()?.iter().all(|&g| g == 0.0));
    assert!(model.fc2.weight.grad().unwrap().to_vec::<f32>()?.iter().any(|&g| g != 0.0));
    Ok(())
}

#[test]
fn other_dtypes_and_empty_batches_go_op_by_op() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let empty = mlp(&model, &[Tensor::randn([0, 12])])?.remove(0);
    assert_eq!(empty.shape(), [0, 5]);
    let mut wide = Mlp::new();
    wide.to_dtype(DType::F64)?;
    let output = mlp(&wide, &[Tensor::randn([2, 12]).to_dtype(DType::F64)])?.remove(0);
    assert_eq!(output.dtype(), DType::F64);
    Ok(())
}

#[test]
fn explanations_name_steps_and_memory() -> Result<()> {
    let _turn = turn();
    let model = Gpt::<8, 3>::new();
    model.eval();
    let (text, places) = (Tensor::randint(0, 11, [2, 10]), Tensor::arange(0, 10, 1)?);
    let explanation = rustorch::compiled::explain(&model, &[&text, &places])?;
    let step = |text: &str| explanation.steps.iter().find(|step| step.text.contains(text)).expect(text);
    assert_eq!(step("gelu_tanh(up(·))").text, "[batch, seq, 4*D] = gelu_tanh(up(·))");
    assert_eq!((step("attention").count, step("head(·)").count), (3, 1));
    assert!(step("head(·)").forward.as_nanos() > 0 && step("head(·)").backward.as_nanos() > 0);
    let memory = explanation.memory;
    assert!(
        memory.forward < memory.forward_unshared && memory.backward < memory.backward_unshared / 2,
        "{memory:?}"
    );
    assert!(explanation.to_string().contains("forward arena"), "{explanation}");
    let inference = inference_mode(|| rustorch::compiled::explain(&model, &[&text, &places]))?;
    assert!(inference.steps.iter().all(|step| step.backward.is_zero()), "{inference}");
    assert!(inference.memory.forward < memory.forward && inference.memory.backward == 0, "{inference}");
    let error = rustorch::compiled::explain(&model, &[&text]).unwrap_err().to_string();
    assert!(error.contains("takes 2 inputs, not 1"), "{error}");
    Ok(())
}

#[test]
fn parameters_of_another_shape_go_op_by_op() -> Result<()> {
    let _turn = turn();
    let mut model = Mlp::new();
    let x = Tensor::randn([3, 12]);
    mlp(&model, std::slice::from_ref(&x))?;
    model.fc1.weight = Tensor::randn([32, 13]);
    let error = Layer::forward(&model, &x).unwrap_err().to_string();
    assert!(error.contains("12") && error.contains("13"), "{error}");
    let mut net = ConvNet::new();
    let image = Tensor::randn([2, 1, 12, 12]);
    Layer::forward(&net, &image)?;
    net.conv1.weight = Tensor::randn([6, 1, 5, 5]);
    // Smaller planes that happen to be pooled to the same size: fine op by op.
    assert_eq!(Layer::forward(&net, &image)?.shape(), [2, 5]);
    let mut fresh = ConvNet::new();
    fresh.conv2.options.stride = [1, 1];
    let error = Layer::forward(&fresh, &image).unwrap_err().to_string();
    assert!(error.contains("options of a layer changed"), "{error}");
    let mut block = Block::<8, 2>::new();
    block.ln1.normalized_shape = vec![4];
    assert!(Layer::forward(&block, &Tensor::randn([2, 3, 8])).is_err());
    Ok(())
}

model! {
    /// Loops in loops, of which each replaces what the other one does.
    Nested<const D: usize> {
        cells: [Linear(2 * D, D); 3],
    }
    forward(x: [batch, 4, D]) -> ([batch, D], [batch, D]) {
        let h = x[.., -1];
        for t in 0..4 {
            let y = x[.., t];
            for i in 0..3 {
                h = tanh(cells[i](cat([y, h], 1)));
                y = y * h + x[.., (i + 1)..(i + 2)].sum(1);
                for _ in 0..2 {
                    y = sigmoid(y);
                }
            }
            h = h + y;
        }
        let z = x[.., 0];
        for _ in 0..2 {
            let y = tanh(z);
            for cell in self.cells {
                y = cell(cat([y, y * z], 1));
            }
            z = z + y;
        }
        (h, z)
    }
}

#[test]
fn loops_in_loops() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 4, 5])];
    check(&Nested::<5>::new(), inputs, |model, x| {
        let (h, z) = model.forward(&x[0].typed::<shape![Batch, 4, 5]>()?);
        Ok(vec![h.into_tensor(), z.into_tensor()])
    })
}

model! {
    /// Positions of which only a run knows whether they are there.
    Far {}
    forward(x: [batch, seq, 4], y: [batch, other, 4]) -> ([batch, 4], [batch, 3, 4], [batch, 4]) {
        let sum = zeros_like(y[.., 0]);
        for t in 0..seq {
            sum = sum + y[.., t];
        }
        (x[.., 3], x[.., (1..6).step_by(2)], sum)
    }
}

#[test]
fn positions_outside_are_errors() -> Result<()> {
    let _turn = turn();
    let model = Far::new();
    let run = |seq: usize, other: usize| {
        let (x, y) = (Tensor::randn([2, seq, 4]), Tensor::randn([2, other, 4]));
        let given = (x.typed::<shape![Batch, Seq, 4]>()?, y.typed::<shape![Batch, Other, 4]>()?);
        model.try_forward(&given.0, &given.1).map(drop)
    };
    run(6, 6)?;
    for (seq, other) in [(2, 2), (3, 3), (4, 4), (5, 5), (6, 5)] {
        let [compiled, eager] = [run(seq, other), op_by_op(|| run(seq, other))];
        let [compiled, eager] = [compiled, eager].map(|result| result.unwrap_err().to_string());
        assert_eq!(compiled, eager, "{seq}, {other}");
    }
    Ok(())
}
