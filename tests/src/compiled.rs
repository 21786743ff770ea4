//! The same network compiled and op by op: outputs, gradients, running statistics.

use rustorch::compiled::{Compiled, explain, forward_into, op_by_op};
use rustorch::nn::Module;
use rustorch::{DType, Result, Tensor, manual_seed, no_grad};

/// What is done with a network besides running it.
#[derive(Clone)]
pub struct Use {
    /// Whether the inputs that can require gradients do.
    pub leaves: bool,
    /// The outputs that the loss depends on, by position; all of them by default.
    pub used: Option<Vec<usize>>,
}

impl Default for Use {
    fn default() -> Self {
        Self { leaves: true, used: None }
    }
}

/// What is compared.
struct Outcome {
    outputs: Vec<Tensor>,
    grads: Vec<Option<Tensor>>,
    buffers: Vec<Tensor>,
}

/// Compares a network on these inputs, compiled and op by op, from the same random state.
///
/// # Errors
/// Those of the network.
///
/// # Panics
/// If results differ by more than a relative 1e-5 of the largest element, or the network does not run compiled.
pub fn both<M: Module>(
    model: &M,
    inputs: &[Tensor],
    run: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<()> {
    both_with(model, inputs, &Use::default(), run)
}

/// Compares a network in every use: training and evaluating, on two batches of different sizes, with some parameters frozen,
/// with inputs that require no gradient and a loss that sees one output, and as inference into tensors that are there.
///
/// # Errors
/// Those of the network, and that it does not run compiled.
///
/// # Panics
/// As [`both`].
pub fn check<M: Compiled>(
    model: &M,
    inputs: impl Fn(usize, usize) -> Vec<Tensor>,
    run: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<()> {
    for (batch, seq) in [(5, 4), (3, 6)] {
        let x = inputs(batch, seq);
        model.train();
        both(model, &x, &run)?;
        model.eval();
        both(model, &x, &run)?;
        let given: Vec<&Tensor> = x.iter().collect();
        explain(model, &given)?;
        // What is drawn in evaluation as well is the same.
        manual_seed(7);
        let expected = no_grad(|| run(model, &x))?;
        let mut outputs: Vec<Tensor> = expected.iter().map(Tensor::zeros_like).collect();
        manual_seed(7);
        forward_into(model, &given, &mut outputs.iter_mut().collect::<Vec<_>>())?;
        for (at, (a, b)) in expected.iter().zip(&outputs).enumerate() {
            close(a, b, &format!("output {at} that was there"));
        }
    }
    model.train();
    let x = inputs(4, 5);
    let frozen: Vec<Tensor> = model.parameters().into_iter().step_by(2).collect();
    frozen.iter().try_for_each(|parameter| parameter.requires_grad_(false).map(drop))?;
    both(model, &x, &run)?;
    both_with(model, &x, &Use { leaves: false, used: Some(vec![0]) }, &run)?;
    frozen.iter().try_for_each(|parameter| parameter.requires_grad_(true).map(drop))?;
    both_with(model, &x, &Use { leaves: true, used: Some(vec![0]) }, &run)
}

/// As [`check`], and of one example and of none, training and evaluating. What is refused is so by both passes, with the same words.
///
/// # Errors
/// As [`check`].
///
/// # Panics
/// As [`both`], and if one pass refuses what the other one computes.
pub fn everywhere<M: Compiled>(
    model: &M,
    inputs: impl Fn(usize, usize) -> Vec<Tensor>,
    run: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<()> {
    check(model, &inputs, &run)?;
    for batch in [1, 0] {
        let x = inputs(batch, 4);
        for training in [true, false] {
            if training {
                model.train()
            } else {
                model.eval()
            }
            match (run(model, &x), op_by_op(|| run(model, &x))) {
                (Ok(_), Ok(_)) => both(model, &x, &run)?,
                (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string(), "compiled and op by op"),
                (Ok(_), Err(error)) => panic!("op by op alone fails on {batch} examples: {error}"),
                (Err(error), Ok(_)) => panic!("compiled alone fails on {batch} examples: {error}"),
            }
        }
    }
    Ok(())
}

/// As [`both`], for another use of the network.
///
/// # Errors
/// As there.
///
/// # Panics
/// As there.
pub fn both_with<M: Module>(
    model: &M,
    inputs: &[Tensor],
    by: &Use,
    run: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<()> {
    let before: Vec<Tensor> = model.buffers().iter().map(Tensor::copy).collect();
    let once = |compiled: bool| {
        manual_seed(7);
        for (buffer, old) in model.buffers().iter().zip(&before) {
            no_grad(|| buffer.copy_(old))?;
        }
        outcome(model, inputs, by, compiled, &run)
    };
    let (eager, compiled) = (once(false)?, once(true)?);
    // Again: with plans and arenas that have been used.
    let again = once(true)?;
    assert_eq!(eager.outputs.len(), compiled.outputs.len());
    for (at, (a, b)) in eager.outputs.iter().zip(&compiled.outputs).enumerate() {
        close(a, b, &format!("output {at}"));
    }
    for (at, (a, b)) in eager.buffers.iter().zip(&compiled.buffers).enumerate() {
        close(a, b, &format!("buffer {at}"));
    }
    // Where all cancels, as in the gradient of a bias before a batch normalisation, rounding errors are left of terms as large
    // as the gradients of its neighbours.
    let grads = eager.grads.iter().flatten().map(|grad| largest(&crate::compare::values(grad)));
    let least = (0.1 * grads.fold(0.0, f64::max)).clamp(1e-3, 0.1);
    for (at, ((a, b), c)) in eager.grads.iter().zip(&compiled.grads).zip(&again.grads).enumerate() {
        match (a, b, c) {
            (Some(a), Some(b), Some(c)) => {
                close_at(least, a, b, &format!("gradient {at}"));
                assert!(same(b, c), "gradient {at} differs from pass to pass");
            }
            (None, None, None) => {}
            _ => panic!("gradient {at}: {:?} op by op, {:?} compiled", a.is_some(), b.is_some()),
        }
    }
    Ok(())
}

fn outcome<M: Module>(
    model: &M,
    inputs: &[Tensor],
    by: &Use,
    compiled: bool,
    run: &impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<Outcome> {
    let leaf = |input: &Tensor| match input.dtype() {
        DType::F32 => input.copy().detach().requires_grad_(by.leaves),
        _ => Ok(input.clone()),
    };
    let inputs: Vec<Tensor> = inputs.iter().map(leaf).collect::<Result<_>>()?;
    for parameter in model.parameters() {
        parameter.set_grad(None)?;
    }
    let outputs = if compiled { run(model, &inputs)? } else { op_by_op(|| run(model, &inputs))? };
    let tracked: Vec<bool> = outputs.iter().map(Tensor::requires_grad).collect();
    // Inputs without elements run op by op.
    if compiled && inputs.iter().all(|input| input.numel() > 0) {
        for output in outputs.iter().filter(|output| output.requires_grad()) {
            assert_eq!(output.grad_fn(), Some("model"), "not compiled");
        }
    }
    let is_used = |at: &usize| by.used.as_ref().is_none_or(|used| used.contains(at)) && tracked[*at];
    let mut loss: Option<Tensor> = None;
    for at in (0..outputs.len()).filter(is_used) {
        let output = &outputs[at];
        let weights = Tensor::arange(0, output.numel() as i64, 1)?.to_dtype(DType::F32).sin();
        let part = output.mul(&weights.reshape(output.shape())?)?.sum().mul(1.0 + at as f64)?;
        loss = Some(match loss {
            Some(loss) => loss.add(&part)?,
            None => part,
        });
    }
    if let Some(loss) = loss {
        loss.backward()?;
    }
    let grads = inputs.iter().map(Tensor::grad).chain(model.parameters().iter().map(Tensor::grad)).collect();
    let outputs = outputs.iter().map(Tensor::detach).collect();
    Ok(Outcome { outputs, grads, buffers: model.buffers().iter().map(Tensor::copy).collect() })
}

/// Fails unless two tensors agree to a relative 1e-5 of the largest element, or exactly if they are no floats.
///
/// # Panics
/// If they do not.
pub fn close(a: &Tensor, b: &Tensor, what: &str) {
    close_at(1e-3, a, b, what);
}

/// As [`close`], where elements below `least` count as that.
fn close_at(least: f64, a: &Tensor, b: &Tensor, what: &str) {
    assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()), "{what}");
    let (a, b) = (crate::compare::values(a), crate::compare::values(b));
    let size = largest(&a).max(least);
    for (at, (x, y)) in a.iter().zip(&b).enumerate() {
        let (x, y) = (x.re, y.re);
        let equal = x == y || x.is_nan() && y.is_nan();
        assert!(equal || (x - y).abs() <= 1e-5 * size, "{what}: {x} op by op, {y} compiled, at {at}");
    }
}

/// The largest finite magnitude.
fn largest(values: &[num_complex::Complex<f64>]) -> f64 {
    values.iter().map(|x| x.re.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max)
}

/// Whether two tensors have the same elements.
fn same(a: &Tensor, b: &Tensor) -> bool {
    let (a, b) = (crate::compare::values(a), crate::compare::values(b));
    a.iter().zip(&b).all(|(x, y)| x == y || x.re.is_nan() && y.re.is_nan())
}
