//! Autograd: the tape's semantics, and its behaviour under stress.

use rustorch::autograd::{GradOptions, grad};
use rustorch::{DType, Result, Tensor, no_grad};

fn leaf(values: &[f64]) -> Result<Tensor> {
    Tensor::from_slice(values, [values.len()])?.requires_grad_(true)
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).to_vec::<f64>().unwrap()
}

#[test]
fn gradients_accumulate_and_broadcast() -> Result<()> {
    let x = leaf(&[1.0, 2.0])?;
    let b = Tensor::from_slice(&[3.0f64], [])?.requires_grad_(true)?;
    (&x * &b + &x).sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [4.0, 4.0]);
    assert_eq!(values(&b.grad().unwrap()), [3.0]);
    (&x * &b).sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [7.0, 7.0]);
    Ok(())
}

#[test]
fn higher_orders() -> Result<()> {
    let x = leaf(&[0.3, -1.2])?;
    let create = GradOptions { create_graph: true, ..Default::default() };
    let mut y = x.sin().sum();
    for (order, expected) in
        [f64::cos, |x: f64| -x.sin(), |x: f64| -x.cos(), f64::sin].into_iter().enumerate()
    {
        y = grad(&[&y], &[&x], &[], create)?.remove(0).unwrap();
        for (got, x) in values(&y).into_iter().zip([0.3, -1.2]) {
            assert!((got - expected(x)).abs() < 1e-12, "order {order}: {got}");
        }
        y = y.sum();
    }
    Ok(())
}

#[test]
fn a_graph_is_freed_unless_retained() -> Result<()> {
    let x = leaf(&[2.0])?;
    let y = x.square().sum();
    y.backward_with(None, GradOptions { retain_graph: true, ..Default::default() })?;
    y.backward()?;
    assert_eq!(values(&x.grad().unwrap()), [8.0]);
    let message = y.backward().unwrap_err().to_string();
    assert!(message.contains("second time"), "{message}");
    Ok(())
}

#[test]
fn in_place_changes_of_saved_values_are_noticed() -> Result<()> {
    let x = leaf(&[1.0, 2.0])?;
    let h = &x * 1.0;
    let y = h.square();
    h.add_(1.0)?;
    let message = y.sum().backward().unwrap_err().to_string();
    assert!(message.contains("square") && message.contains("version 1"), "{message}");
    assert!(x.add_(1.0).unwrap_err().to_string().contains("leaf"));
    no_grad(|| x.add_(1.0))?;
    assert_eq!(values(&x), [2.0, 3.0]);
    Ok(())
}

#[test]
fn in_place_on_views_reaches_the_base() -> Result<()> {
    let x = leaf(&[1.0, 2.0, 3.0])?;
    let h = &x * 2.0;
    let view = h.narrow(0, 1, 2)?;
    view.mul_(&view.copy())?;
    // h = [2, 16, 36] through view; dh/dx = [2, 8x, 8x].
    assert_eq!(values(&h), [2.0, 16.0, 36.0]);
    (&h + 0.0).sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [2.0, 16.0, 24.0]);
    let x = leaf(&[1.0, 2.0])?;
    let h = &x * 3.0;
    let view = h.select(0, 0)?;
    h.mul_(2.0)?;
    view.backward()?;
    assert_eq!(values(&x.grad().unwrap()), [6.0, 0.0]);
    Ok(())
}

#[test]
fn hooks_and_retained_gradients() -> Result<()> {
    let x = leaf(&[1.0])?;
    let h = &x * 2.0;
    h.retain_grad()?;
    let handle = h.register_hook(|grad| Some(grad * 10.0))?;
    h.sum().backward()?;
    assert_eq!((values(&h.grad().unwrap()), values(&x.grad().unwrap())), (vec![10.0], vec![20.0]));
    handle.remove();
    Ok(())
}

#[test]
fn deep_chains_neither_overflow_backward_nor_drop() -> Result<()> {
    let x = leaf(&[1.0])?;
    let mut y = x.clone();
    for _ in 0..100_000 {
        y = &y * 1.0;
    }
    y.sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [1.0]);
    let mut y = x.clone();
    for _ in 0..100_000 {
        y = y.sigmoid();
    }
    drop(y);
    Ok(())
}

#[test]
fn tensors_cross_threads() -> Result<()> {
    let x = Tensor::zeros([64]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| drop(x.add_(1.0).unwrap())));
        }
    });
    assert_eq!(x.to_vec::<f32>()?, [4000.0; 64]);
    Ok(())
}
