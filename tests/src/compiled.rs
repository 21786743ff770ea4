//! Compiled networks against the same networks op by op.

use rustorch::compiled::op_by_op;
use rustorch::nn::Module;
use rustorch::{DType, Result, Tensor, manual_seed};

/// Compares outputs and all gradients of a network, compiled and op by op, from the same random state, and one compiled pass
/// with the next.
///
/// # Errors
/// Those of the network.
///
/// # Panics
/// If they differ.
pub fn both<M: Module>(
    model: &M,
    inputs: &[Tensor],
    run: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<()> {
    let once = |compiled: bool| -> Result<(Vec<Tensor>, Vec<Option<Tensor>>)> {
        manual_seed(7);
        let inputs: Vec<Tensor> = inputs
            .iter()
            .map(|input| match input.dtype() {
                DType::F32 => input.copy().detach().requires_grad_(true),
                _ => Ok(input.clone()),
            })
            .collect::<Result<_>>()?;
        for parameter in model.parameters() {
            parameter.set_grad(None)?;
        }
        let outputs = if compiled { run(model, &inputs)? } else { op_by_op(|| run(model, &inputs))? };
        if compiled {
            assert!(outputs[0].grad_fn() == Some("model"), "not compiled: {:?}", outputs[0].grad_fn());
        }
        let mut loss = Tensor::zeros([]);
        for (index, output) in outputs.iter().enumerate() {
            let weights = Tensor::arange(0, output.numel() as i64, 1)?
                .to_dtype(DType::F32)
                .sin()
                .reshape(output.shape())?;
            loss = loss.add(&output.mul(&weights)?.sum().mul(1.0 + index as f64)?)?;
        }
        loss.backward()?;
        let grads =
            inputs.iter().map(Tensor::grad).chain(model.parameters().iter().map(Tensor::grad)).collect();
        Ok((outputs.iter().map(Tensor::detach).collect(), grads))
    };
    let (first, second) = (once(false)?, once(true)?);
    // Again: with plans and arenas that have been used.
    let third = once(true)?;
    for (a, b) in first.0.iter().zip(&second.0) {
        close(a, b, "output");
    }
    for (position, ((a, b), c)) in first.1.iter().zip(&second.1).zip(&third.1).enumerate() {
        match (a, b, c) {
            (Some(a), Some(b), Some(c)) => {
                close(a, b, &format!("gradient {position}"));
                assert_eq!(
                    b.to_vec::<f32>()?,
                    c.to_vec::<f32>()?,
                    "gradient {position} differs from pass to pass"
                );
            }
            (None, None, None) => {}
            _ => panic!("gradient {position}: {:?} op by op, {:?} compiled", a.is_some(), b.is_some()),
        }
    }
    Ok(())
}

/// Compares the elements of tensors, relative to the greatest.
pub fn close(a: &Tensor, b: &Tensor, what: &str) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    let (a, b) = (a.to_vec::<f32>().unwrap(), b.to_vec::<f32>().unwrap());
    let size = a.iter().map(|x| x.abs()).fold(0.0, f32::max).max(1e-3);
    for (at, (x, y)) in a.iter().zip(&b).enumerate() {
        assert!((x - y).abs() <= 1e-5 * size, "{what}: {x} op by op, {y} compiled, at {at}");
    }
}
