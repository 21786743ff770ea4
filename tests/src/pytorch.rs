//! Networks against the same networks in PyTorch, with the same parameters: outputs, losses and every parameter's gradient.
//!
//! Parameters and inputs come from a formula (`tests/goldens/formula.py`), so that golden files hold results only.

use rustorch::compiled::op_by_op;
use rustorch::nn::Module;
use rustorch::{Result, Tensor, no_grad};
use serde_json::Value;

use crate::turns::turn;

/// How far a number may be off, in parts of the scale of the tensor that it belongs to.
const TOLERANCE: f64 = 1e-4;

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

/// Numbers of variance 1.
///
/// # Errors
/// If there is not enough memory.
pub fn image(shape: &[usize], salt: u32) -> Result<Tensor> {
    let numel = shape.iter().product();
    let value = |u: f32| (f64::from(u) * 12f64.sqrt()) as f32;
    Tensor::from_vec(noise(numel, salt).into_iter().map(value).collect(), shape)
}

/// Whole numbers below `bound`.
///
/// # Errors
/// If there is not enough memory.
pub fn symbols(shape: &[usize], bound: usize, salt: u32) -> Result<Tensor> {
    let value = |u: f32| (((f64::from(u) + 0.5) * bound as f64) as i64).min(bound as i64 - 1);
    Tensor::from_vec(noise(shape.iter().product(), salt).into_iter().map(value).collect(), shape)
}

/// The line of a network in a file.
fn golden(file: &str, name: &str) -> Value {
    let mut all = file.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
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

/// Compares outputs with those in the file.
fn compare_outputs(what: &str, outputs: &[Tensor], expected: &Value) -> Result<()> {
    let expected = expected.as_array().expect("a list");
    assert_eq!(outputs.len(), expected.len(), "{what}");
    for (number, (output, expected)) in outputs.iter().zip(expected).enumerate() {
        let expected = floats(expected);
        close(&format!("{what} {number}"), &doubles(output)?, &expected, most(&expected));
    }
    Ok(())
}

/// The order in which parameters were given their values: the file's, or else the model's own.
fn order(golden: &Value, model: &impl Module) -> Vec<String> {
    match golden["parameters"].as_array() {
        Some(names) => names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect(),
        None => model.named_parameters().into_iter().map(|(name, _)| name).collect(),
    }
}

/// A network with PyTorch's parameters, compiled and op by op: outputs, loss, gradients, and outputs in evaluation, as `file`
/// has them; and the names and shapes of its state. What does not train is compared in evaluation only.
///
/// # Errors
/// Those of the network.
///
/// # Panics
/// If anything differs by more than 1e-4 of its scale.
pub fn compare<M: Module>(
    (file, name, trains): (&str, &str, bool),
    new: impl Fn() -> M,
    run: impl Fn(&M) -> Result<Vec<Tensor>>,
    loss: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> Result<()> {
    let _turn = turn();
    let golden = golden(file, name);
    for compiled in [true, false] {
        let way = if compiled { "compiled" } else { "op by op" };
        // Anew, since a step moves running statistics.
        let model = new();
        if !trains {
            model.eval();
        }
        let order = order(&golden, &model);
        for (name, parameter) in model.named_parameters() {
            let salt = order.iter().position(|other| *other == name);
            let salt = 100 + salt.unwrap_or_else(|| panic!("PyTorch has no {name}")) as u32;
            no_grad(|| parameter.copy_(&first_value(&name, parameter.shape(), salt)?))?;
        }
        let pass = || if compiled { run(&model) } else { op_by_op(|| run(&model)) };
        let outputs = pass()?;
        for output in &outputs {
            assert_eq!(output.grad_fn() == Some("model"), compiled, "{name}: {:?}", output.grad_fn());
        }
        compare_outputs(&format!("{name}, {way}, output"), &outputs, &golden["outputs"])?;
        let value = loss(&outputs)?;
        let expected = golden["loss"].as_f64().expect("a number");
        close(
            &format!("{name}, {way}, loss"),
            &[f64::from(value.item::<f32>()?)],
            &[expected],
            expected.abs(),
        );
        value.backward()?;
        let grads = golden["grads"].as_object().expect("an object");
        let greatest = grads.values().map(greatest).fold(0.0, f64::max);
        assert_eq!(model.named_parameters().len(), grads.len(), "{name}");
        for (key, parameter) in model.named_parameters() {
            let what = format!("{name}, {way}, gradient of {key}");
            let expected = grads.get(&key).unwrap_or_else(|| panic!("{what}: PyTorch has no such parameter"));
            // What no output depends on may have none; the file has zeros then.
            let grad = parameter.grad().unwrap_or_else(|| no_grad(|| parameter.zeros_like()));
            compare_gradient(&what, &doubles(&grad)?, expected, 1e-3 * greatest);
        }
        model.eval();
        let outputs = no_grad(pass)?;
        compare_outputs(&format!("{name}, {way}, evaluated"), &outputs, &golden["evaluated"])?;
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

/// The greatest element of a gradient in a file.
fn greatest(grad: &Value) -> f64 {
    grad["most"].as_f64().unwrap_or_else(|| most(&floats(&grad["all"])))
}

/// The names and shapes of the state, in order.
pub fn state_of(model: &impl Module) -> Vec<(String, Vec<usize>)> {
    model.state_dict().iter().map(|(name, tensor)| (name.to_string(), tensor.shape().to_vec())).collect()
}
