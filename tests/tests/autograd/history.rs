//! What gradients, leaves and views keep of their history.

use rustorch::autograd::{GradOptions, grad};
use rustorch::{DType, Result, Tensor, enable_grad, inference_mode, no_grad};

use super::{leaf, values};

#[test]
fn gradients_that_carry_history_are_added_to_in_place() -> Result<()> {
    let create = GradOptions { create_graph: true, ..Default::default() };
    let x = leaf(&[1.0, 2.0])?;
    // Expanded from one element, and passed in by the caller, who keeps it.
    x.sum().backward_with(None, create)?;
    x.sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [2.0, 2.0]);
    x.set_grad(None)?;
    let given = Tensor::from([3.0f64, 4.0]);
    x.backward_with(Some(&given), create)?;
    x.sum().backward()?;
    assert_eq!((values(&x.grad().unwrap()), values(&given)), (vec![4.0, 5.0], vec![3.0, 4.0]));
    assert!(x.set_grad(Some(x.clone())).unwrap_err().to_string().contains("its own gradient"));
    Ok(())
}

#[test]
fn leaves_frozen_meanwhile_get_no_gradient() -> Result<()> {
    let (x, w) = (leaf(&[1.0, 2.0])?, leaf(&[3.0, 4.0])?);
    let y = (&x * &w).sum();
    x.requires_grad_(false)?;
    y.backward()?;
    assert!(x.grad().is_none());
    assert_eq!(values(&w.grad().unwrap()), [1.0, 2.0]);
    Ok(())
}

#[test]
fn views_in_inference_mode_are_what_they_show() -> Result<()> {
    let (x, w) = (Tensor::ones([2]), leaf(&[1.0, 2.0])?);
    let (view, detached) = inference_mode(|| (x.view(-1), w.detach()));
    let view = view?;
    assert!(!view.is_inference() && !detached.is_inference());
    view.to_dtype(DType::F64).mul(&w)?.sum().backward()?;
    detached.mul(&w)?.sum().backward()?;
    // Nothing is recorded in that mode, whatever else is set; a sum needs no operand later on.
    let made = inference_mode(|| enable_grad(|| &w * 2.0));
    assert!(made.is_inference() && !made.requires_grad());
    w.add(&made)?.sum().backward()?;
    assert!(w.mul(&made).unwrap_err().to_string().contains("inference"));
    assert_eq!(values(&w.grad().unwrap()), [3.0, 4.0]);
    Ok(())
}

#[test]
fn leaves_and_their_views_are_not_overwritten() -> Result<()> {
    let x = Tensor::zeros([2, 2]);
    let view = x.view(-1)?.requires_grad_(true)?;
    assert!(view.add_(1.0).unwrap_err().to_string().contains("a leaf that requires gradients"));
    // The base would not learn of the history that the view gets.
    let view = no_grad(|| x.view(-1))?;
    assert!(view.add_(&leaf(&[1.0])?.to_dtype(DType::F32)).unwrap_err().to_string().contains("no_grad"));
    assert_eq!(x.to_vec::<f32>()?, [0.0; 4]);
    Ok(())
}

#[test]
fn gradients_that_only_choose_have_a_derivative_of_zero() -> Result<()> {
    let x = leaf(&[-1.0, 2.0])?;
    let create = GradOptions { create_graph: true, ..Default::default() };
    for (name, y) in [("relu", x.relu()), ("abs", x.abs()), ("hardtanh", x.hardtanh(-3.0, 3.0)?)] {
        let first = grad(&[&y.sum()], &[&x], &[], create)?.remove(0).unwrap();
        let second = grad(&[&first.sum()], &[&x], &[], GradOptions::default())?.remove(0).unwrap();
        assert_eq!(values(&second), [0.0, 0.0], "{name}");
    }
    Ok(())
}
