//! The networks of the examples against the same networks in PyTorch, with the same parameters: outputs, loss and every
//! parameter's gradient, compiled and op by op, and the names of the state. `tests/goldens/networks.py` writes the files.

use rustorch::compiled::op_by_op;
use rustorch::nn::functional::{Reduction, cross_entropy, mse_loss};
use rustorch::prelude::*;
use rustorch::{Result, no_grad};
use rustorch_examples::networks::{Gpt, ResNet18, ResNet152, Tagger, TiedGpt, UNet, ViT};
use rustorch_tests::turns::turn;
use serde_json::Value;

/// How far a number may be off, in parts of the scale of the tensor that it belongs to.
const TOLERANCE: f64 = 1e-4;

dim!(Batch, Seq);

/// Numbers between -1/2 and 1/2: `noise` of the script.
fn noise(count: usize, salt: u32) -> Vec<f32> {
    let one = |i: u32| {
        let mut x =
            i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(97_531)).wrapping_add(12_345);
        x = (x ^ (x >> 16)).wrapping_mul(2_246_822_519);
        x = (x ^ (x >> 13)).wrapping_mul(3_266_489_917);
        (f64::from(x ^ (x >> 16)) / 2f64.powi(32) - 0.5) as f32
    };
    (0..count as u32).map(one).collect()
}

/// The first value of a parameter: `parameter` of the script.
fn first_value(name: &str, shape: &[usize], salt: u32) -> Result<Tensor> {
    let numel: usize = shape.iter().product();
    let scale = (12.0 * shape[0] as f64 / numel as f64).sqrt();
    let value = |u: f32| match shape.len() {
        1 => (if name.ends_with("weight") { 1.0 } else { 0.0 } + 0.4 * f64::from(u)) as f32,
        _ => (f64::from(u) * scale) as f32,
    };
    Tensor::from_vec(noise(numel, salt).into_iter().map(value).collect(), shape)
}

fn image(shape: &[usize], salt: u32) -> Result<Tensor> {
    let numel = shape.iter().product();
    let value = |u: f32| (f64::from(u) * 12f64.sqrt()) as f32;
    Tensor::from_vec(noise(numel, salt).into_iter().map(value).collect(), shape)
}

fn symbols(shape: &[usize], bound: usize, salt: u32) -> Result<Tensor> {
    let value = |u: f32| (((f64::from(u) + 0.5) * bound as f64) as i64).min(bound as i64 - 1);
    Tensor::from_vec(noise(shape.iter().product(), salt).into_iter().map(value).collect(), shape)
}

/// The cross-entropy over the last axis.
fn classes(output: &Tensor, target: &Tensor) -> Result<Tensor> {
    cross_entropy(&output.flatten(0, -2)?, &target.flatten(0, -1)?)
}

fn squares(output: &Tensor, target: &Tensor) -> Result<Tensor> {
    mse_loss(output, target, Reduction::Mean)
}

/// The line of a network in the file.
fn golden(name: &str) -> Value {
    let lines = include_str!("../goldens/networks.jsonl").lines();
    let mut all = lines.map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    all.find(|line| line["name"] == name).expect("the network has a line")
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// Compares numbers, with an error relative to `scale`.
fn close(what: &str, got: &[f64], expected: &[f64], scale: f64) {
    assert!(got.len() >= expected.len(), "{what}: {} numbers, not {}", got.len(), expected.len());
    for (at, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= TOLERANCE * scale,
            "{what}: {a} instead of {b} at {at}, on a scale of {scale}"
        );
    }
}

fn most(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most, number| most.max(number.abs()))
}

/// Compares a gradient with what the file has of it. Gradients that are zero but for rounding, as of a key's bias, count on the
/// scale of the others: `least`.
fn compare_gradient(what: &str, grad: &[f64], expected: &Value, least: f64) {
    if expected["all"].is_array() {
        let expected = floats(&expected["all"]);
        assert_eq!(grad.len(), expected.len(), "{what}");
        return close(what, grad, &expected, most(&expected).max(least));
    }
    let number = |key: &str| expected[key].as_f64().expect("a number");
    let scale = number("most").max(least);
    close(&format!("{what}, greatest"), &[most(grad)], &[number("most")], scale);
    let sample = floats(&expected["sample"]);
    let picked: Vec<f64> = grad.iter().copied().step_by(grad.len() / sample.len()).collect();
    close(&format!("{what}, sample"), &picked, &sample, scale);
    let norm = grad.iter().map(|g| g * g).sum::<f64>().sqrt();
    let dot = |salt| noise(grad.len(), salt).iter().zip(grad).map(|(u, g)| f64::from(*u) * g).sum::<f64>();
    let scale = number("norm").max(least);
    close(&format!("{what}, norm"), &[norm], &[number("norm")], scale);
    close(&format!("{what}, projections"), &[dot(7001), dot(7002)], &floats(&expected["projections"]), scale);
}

fn doubles(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.to_vec::<f32>()?.into_iter().map(f64::from).collect())
}

/// A network with PyTorch's parameters: outputs, loss, gradients, and outputs in evaluation, as PyTorch has them.
fn compare<M: Module>(
    name: &str,
    new: fn() -> M,
    run: impl Fn(&M) -> Result<Tensor>,
    loss: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<()> {
    let _turn = turn();
    let golden = golden(name);
    for compiled in [true, false] {
        let way = if compiled { "compiled" } else { "op by op" };
        // Anew, since a step moves running statistics.
        let model = new();
        for ((name, parameter), salt) in model.named_parameters().into_iter().zip(100..) {
            no_grad(|| parameter.copy_(&first_value(&name, parameter.shape(), salt)?))?;
        }
        let pass = || if compiled { run(&model) } else { op_by_op(|| run(&model)) };
        let output = pass()?;
        assert_eq!(output.grad_fn() == Some("model"), compiled, "{name}: {:?}", output.grad_fn());
        let expected = floats(&golden["output"]);
        close(&format!("{name}, {way}, output"), &doubles(&output)?, &expected, most(&expected));
        let value = loss(&output)?;
        let expected = golden["loss"].as_f64().expect("a number");
        close(
            &format!("{name}, {way}, loss"),
            &[f64::from(value.item::<f32>()?)],
            &[expected],
            expected.abs(),
        );
        value.backward()?;
        let grads = golden["grads"].as_object().expect("an object");
        let greatest = grads.values().map(|grad| grad["most"].as_f64().unwrap_or(0.0)).fold(0.0, f64::max);
        assert_eq!(model.named_parameters().len(), grads.len(), "{name}");
        for (key, parameter) in model.named_parameters() {
            let what = format!("{name}, {way}, gradient of {key}");
            let grad = parameter.grad().unwrap_or_else(|| panic!("{what}: there is none"));
            let expected = grads.get(&key).unwrap_or_else(|| panic!("{what}: PyTorch has no such parameter"));
            compare_gradient(&what, &doubles(&grad)?, expected, 1e-3 * greatest);
        }
        model.eval();
        let expected = floats(&golden["evaluated"]);
        let output = no_grad(pass)?;
        close(&format!("{name}, {way}, evaluated"), &doubles(&output)?, &expected, most(&expected));
    }
    let state = golden["state"].as_object().expect("an object").iter();
    let sizes = |shape: &Value| floats(shape).into_iter().map(|size| size as usize).collect();
    let mut expected: Vec<(String, Vec<usize>)> =
        state.map(|(key, shape)| (key.clone(), sizes(shape))).collect();
    let mut got = state_of(&new());
    got.sort_unstable();
    expected.sort_unstable();
    assert_eq!(got, expected, "the state of {name}");
    Ok(())
}

/// The names and shapes of the state, in order.
fn state_of(model: &impl Module) -> Vec<(String, Vec<usize>)> {
    model.state_dict().iter().map(|(name, tensor)| (name.to_string(), tensor.shape().to_vec())).collect()
}

#[test]
fn resnet18_is_torchvisions() -> Result<()> {
    let (x, target) = (image(&[3, 3, 64, 64], 1)?, symbols(&[3], 1000, 2)?);
    compare("resnet18", ResNet18::new, |model| Layer::forward(model, &x), |output| classes(output, &target))
}

#[test]
fn vit_is_pytorchs() -> Result<()> {
    let (x, target) = (image(&[3, 3, 12, 12], 1)?, symbols(&[3], 7, 2)?);
    let new = ViT::<3, 12, 4, 16, 2, 2, 7>::new;
    compare("vit", new, |model| Layer::forward(model, &x), |output| classes(output, &target))
}

#[test]
fn unet_is_pytorchs() -> Result<()> {
    let (x, target) = (image(&[2, 1, 12, 16], 1)?, image(&[2, 2, 12, 16], 2)?);
    let new = UNet::<1, 4, 8, 16, 2>::new;
    compare("unet", new, |model| Layer::forward(model, &x), |output| squares(output, &target))
}

#[test]
fn gpt_is_pytorchs() -> Result<()> {
    let (text, target, places) =
        (symbols(&[2, 9], 11, 1)?, symbols(&[2, 9], 11, 2)?, Tensor::arange(0, 9, 1)?);
    let new = Gpt::<11, 12, 16, 2, 2>::new;
    let run = |model: &Gpt<11, 12, 16, 2, 2>| {
        Ok(model.try_forward(&text.typed::<shape![Batch, Seq]>()?, &places.typed()?)?.into_tensor())
    };
    compare("gpt", new, run, |output| classes(output, &target))
}

#[test]
fn gpt_with_tied_weights_is_pytorchs() -> Result<()> {
    let (text, target, places) =
        (symbols(&[2, 9], 11, 1)?, symbols(&[2, 9], 11, 2)?, Tensor::arange(0, 9, 1)?);
    let new = TiedGpt::<11, 12, 16, 2, 2>::new;
    let run = |model: &TiedGpt<11, 12, 16, 2, 2>| {
        Ok(model.try_forward(&text.typed::<shape![Batch, Seq]>()?, &places.typed()?)?.into_tensor())
    };
    compare("tied_gpt", new, run, |output| classes(output, &target))
}

#[test]
fn tagger_is_pytorchs() -> Result<()> {
    let (text, target) = (symbols(&[3, 8], 13, 1)?, symbols(&[3, 8], 4, 2)?);
    let new = Tagger::<13, 6, 5, 4>::new;
    compare("tagger", new, |model| Layer::forward(model, &text), |output| classes(output, &target))
}

#[test]
fn residual_networks_have_torchvisions_names_in_its_order() {
    let expected = |network: &str| -> Vec<(String, Vec<usize>)> {
        let lines = include_str!("../goldens/resnet_names.txt").lines();
        let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
        let of = words.filter(|words| words[0] == network);
        let size = |word: &&str| word.parse().expect("a size");
        of.map(|words| (words[1].to_string(), words[2..].iter().map(size).collect())).collect()
    };
    assert_eq!(state_of(&ResNet18::new()), expected("resnet18"));
    assert_eq!(state_of(&ResNet152::<1000>::new()), expected("resnet152"));
}

/// A U-Net halves twice, so it says what is wrong with sizes that it cannot halve.
#[test]
fn sizes_that_only_a_run_knows_are_compared() -> Result<()> {
    let model = UNet::<1, 4, 8, 16, 2>::new();
    for compiled in [true, false] {
        let run = || Layer::forward(&model, &Tensor::zeros([2, 1, 12, 14]));
        let error = if compiled { run() } else { op_by_op(run) }.unwrap_err().to_string();
        assert!(error.contains('7') && error.contains('6'), "{error}");
    }
    Ok(())
}
