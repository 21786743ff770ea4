//! Autograd: the tape's semantics, and its behaviour under stress.

mod history;
mod programs;
mod unselected;

use std::sync::{Arc, Mutex};

use num_complex::Complex;
use rustorch::autograd::{GradOptions, grad};
use rustorch::nn::functional as F;
use rustorch::{DType, Error, Reduce, Result, Tensor, inference_mode, no_grad};

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

/// The order is that of PyTorch: hooks as registered, then the gradient that is kept, then nodes further on; hooks from
/// before an in-place operation see the gradient of what the tensor was.
#[test]
fn hooks_run_in_order() -> Result<()> {
    let seen: Arc<Mutex<Vec<(&str, f64)>>> = Arc::default();
    let note = |name: &'static str, factor: f64| {
        let seen = seen.clone();
        move |grad: &Tensor| {
            seen.lock().unwrap().push((name, grad.sum().item::<f64>().unwrap()));
            Some(grad * factor)
        }
    };
    let x = leaf(&[1.0])?;
    x.register_hook(note("leaf", 1.0))?;
    let h = &x * 2.0;
    h.register_hook(note("before", 10.0))?;
    h.retain_grad()?;
    h.mul_(3.0)?;
    h.register_hook(note("first", 2.0))?;
    h.register_hook(note("second", 1.0))?;
    h.sum().backward()?;
    assert_eq!(*seen.lock().unwrap(), [("first", 1.0), ("second", 2.0), ("before", 6.0), ("leaf", 120.0)]);
    assert_eq!(values(&h.grad().unwrap()), [2.0], "of the tensor as it is, not as it was");
    Ok(())
}

#[test]
fn hooks_keep_the_kind_of_gradients() -> Result<()> {
    for replacement in [Tensor::zeros([2]).to_dtype(DType::F64), Tensor::zeros([1])] {
        let x = Tensor::ones([2]).requires_grad_(true)?;
        x.register_hook(move |_| Some(replacement.clone()))?;
        let message = x.sum().backward().unwrap_err().to_string();
        assert!(message.contains("hook") && message.contains("[2] float32"), "{message}");
        assert!(x.grad().is_none());
    }
    Ok(())
}

#[test]
fn gradients_are_implied_for_real_scalars_only() -> Result<()> {
    let z = Tensor::from([Complex::new(1.0f32, 2.0)]).requires_grad_(true)?;
    let message = z.sum().backward().unwrap_err().to_string();
    assert!(message.contains("real") && message.contains("complex64"), "{message}");
    let message = z.abs().backward_with(Some(&z.detach()), GradOptions::default()).unwrap_err().to_string();
    assert!(message.contains("complex64") && message.contains("float32"), "{message}");
    assert!(Tensor::ones([2]).requires_grad_(true)?.backward().is_err());
    Ok(())
}

#[test]
fn what_saved_nothing_can_be_walked_again() -> Result<()> {
    let x = leaf(&[1.0, 2.0])?;
    let shared = x.reshape([2, 1])?.add(1.0)?;
    shared.sum().backward()?;
    shared.mul(3.0)?.sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [4.0, 4.0]);
    let shared = x.exp();
    shared.sum().backward()?;
    let message = shared.mul(3.0)?.sum().backward().unwrap_err().to_string();
    assert!(message.contains("exp a second time"), "{message}");
    Ok(())
}

/// Operations that are differentiated by their indices, with the index that they save.
#[test]
fn in_place_changes_of_saved_indices_are_noticed() -> Result<()> {
    type Call = fn(&Tensor, &Tensor) -> Result<(Tensor, Tensor)>;
    let calls: [(&str, Call); 12] = [
        ("gather", |x, i| Ok((x.gather(0, i)?, i.clone()))),
        ("index_select", |x, i| Ok((x.index_select(0, i)?, i.clone()))),
        ("index", |x, i| Ok((x.i(i)?, i.clone()))),
        ("index_add", |x, i| Ok((x.index_add(0, i, x)?, i.clone()))),
        ("index_fill", |x, i| Ok((x.index_fill(0, i, 1.0)?, i.clone()))),
        ("scatter", |x, i| Ok((x.scatter(0, i, x)?, i.clone()))),
        ("scatter_reduce", |x, i| Ok((x.scatter_reduce(0, i, x, Reduce::Sum, true)?, i.clone()))),
        ("index_put_", |x, i| Ok((x.index_put(&[Some(i.clone())], x, true)?, i.clone()))),
        ("sort", |x, _| x.sort(0, true, true)),
        ("topk", |x, _| x.topk(2, 0, true, true)),
        ("max", |x, _| x.max_dim(0, false)),
        ("cummax", |x, _| x.cummax(0)),
    ];
    for (name, call) in calls {
        let x = leaf(&[3.0, 1.0, 2.0])?;
        let (y, saved) = call(&x, &Tensor::from([0i64, 2, 1]))?;
        y.sum().backward()?;
        let (y, saved_again) = call(&x, &Tensor::from([0i64, 2, 1]))?;
        saved.fill_(1)?;
        saved_again.fill_(1)?;
        let message = y.sum().backward().unwrap_err().to_string();
        assert!(message.contains(name) && message.contains("in-place"), "{name}: {message}");
    }
    Ok(())
}

/// Results that PyTorch's gradients do not read, so that programs overwrite them.
#[test]
fn results_that_are_not_saved_may_be_overwritten() -> Result<()> {
    for call in
        [|x: &Tensor| x.div(4.0), |x: &Tensor| Ok(x.erfinv()), |x: &Tensor| F::normalize(x, 2.0, 0, 1e-12)]
    {
        let x = leaf(&[0.5, 0.25])?;
        let divisor = leaf(&[2.0, 4.0])?;
        for y in [call(&x)?, x.div(&divisor)?] {
            y.add_(1.0)?;
            y.sum().backward()?;
        }
        assert_eq!(values(&divisor.grad().unwrap()), [-0.125, -0.015625]);
    }
    Ok(())
}

#[test]
fn in_place_on_parts_of_complex_tensors() -> Result<()> {
    let complex = |tensor: &Tensor| tensor.to_vec::<Complex<f64>>().unwrap();
    let x = leaf(&[1.0, 2.0, 3.0, 4.0])?;
    let h = &x * 2.0;
    h.reshape([2, 2])?.view_as_complex()?.mul_(Complex::new(0.0, 2.0))?;
    assert_eq!(values(&h), [-8.0, 4.0, -16.0, 12.0]);
    h.square().sum().backward()?;
    assert_eq!(values(&x.grad().unwrap()), [32.0, 64.0, 96.0, 128.0]);

    let z = || Tensor::from([Complex::new(1.0f64, 2.0), Complex::new(3.0, -1.0)]).requires_grad_(true);
    let (x, y) = (z()?, z()?);
    let h = &x * 1.0;
    h.real()?.mul_(3.0)?;
    h.abs().square().sum().backward()?;
    assert_eq!(complex(&x.grad().unwrap()), [Complex::new(18.0, 4.0), Complex::new(54.0, -2.0)]);
    let h = &y * 1.0;
    let real = h.real()?;
    h.mul_(Complex::new(2.0, 1.0))?;
    real.square().sum().backward()?;
    assert_eq!(complex(&y.grad().unwrap()), [Complex::new(0.0, 0.0), Complex::new(28.0, -14.0)]);

    let (re, im) = (leaf(&[3.0])?, leaf(&[4.0])?);
    let made = Tensor::complex(&re, &im)?;
    made.mul_(2.0)?;
    made.abs().sum().backward()?;
    assert_eq!((values(&re.grad().unwrap()), values(&im.grad().unwrap())), (vec![1.2], vec![1.6]));
    Ok(())
}

#[test]
fn strided_views_may_begin_before_the_tensor_that_they_are_taken_from() -> Result<()> {
    let x = leaf(&[1.0, 2.0, 3.0, 4.0])?;
    let part = x.narrow(0, 2, 2)?;
    let y = part.as_strided(&[3], &[1], 1)?;
    assert_eq!(values(&y), [2.0, 3.0, 4.0]);
    y.mul(&Tensor::from([10.0f64, 20.0, 30.0]))?.sum().backward()?;
    // What is not the part's own has no way back, as in PyTorch.
    assert_eq!(values(&x.grad().unwrap()), [0.0, 0.0, 20.0, 30.0]);
    Ok(())
}

#[test]
fn modes_and_in_place_operations() -> Result<()> {
    let x = leaf(&[1.0, 2.0])?;
    let h = &x * 2.0;
    let view = no_grad(|| h.select(0, 0))?;
    for view in [view.clone(), view.reshape([1])?] {
        let message = view.mul_(2.0).unwrap_err().to_string();
        assert!(message.contains("no_grad"), "{message}");
    }
    no_grad(|| view.mul_(2.0))?;
    h.sum().backward()?;
    assert_eq!((values(&h), values(&x.grad().unwrap())), (vec![4.0, 4.0], vec![2.0, 2.0]));

    let made = inference_mode(|| Tensor::ones([2]));
    for tensor in [made.clone(), made.select(0, 0)?] {
        let message = tensor.add_(1.0).unwrap_err().to_string();
        assert!(message.contains("inference"), "{message}");
        assert!(tensor.fill_(1.0).is_err() && inference_mode(|| tensor.add_(1.0)).is_ok());
    }
    assert!(made.copy().add_(1.0).is_ok());

    let y = x.square();
    x.detach().add_(1.0)?;
    let message = y.sum().backward().unwrap_err().to_string();
    assert!(message.contains("square"), "{message}");
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

/// An index that another thread overwrites is right or refused, but never trusted after it has changed.
#[test]
fn indices_that_change_meanwhile_reach_nothing_else() -> Result<()> {
    let (x, index) = (Tensor::zeros([64]), Tensor::zeros_with([256], DType::I64));
    let source = Tensor::zeros([256]);
    let done = std::sync::atomic::AtomicBool::new(false);
    let finished = || done.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !finished() {
                index.fill_(1i64 << 40).unwrap();
                index.fill_(63).unwrap();
            }
        });
        type Call = fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>;
        let calls: [Call; 6] = [
            |x, index, _| x.gather(0, index),
            |x, index, _| x.index_select(0, index),
            |x, index, _| x.i(index),
            |x, index, source| x.scatter_add_(0, index, source),
            |x, index, source| x.index_add_(0, index, source),
            |x, index, source| x.scatter_reduce(0, index, source, Reduce::Amax, true),
        ];
        let (x, index, source) = (&x, &index, &source);
        let runs = calls.map(|call| {
            scope.spawn(move || {
                (0..2000).for_each(|_| match call(x, index, source) {
                    Ok(_) | Err(Error::Index { index: 0x100_0000_0000, .. }) => {}
                    Err(error) => panic!("{error}"),
                });
            })
        });
        let results = runs.map(|run| run.join());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        results.into_iter().for_each(|result| result.unwrap());
    });
    Ok(())
}

/// Writers through overlapping views, readers that convert, reduce and copy, and walks over shared leaves.
#[test]
fn views_are_shared_among_threads() -> Result<()> {
    let x = Tensor::zeros([8, 64]);
    let weight = Tensor::ones([64]).requires_grad_(true)?;
    std::thread::scope(|scope| {
        let (x, weight) = (&x, &weight);
        let threads = [0, 1, 2, 3, 4, 5, 6, 7].map(|row| {
            scope.spawn(move || -> Result<()> {
                let (own, column) = (x.select(0, row)?, x.select(1, row)?);
                for _ in 0..300 {
                    own.add_(1.0)?;
                    column.add_(0.0)?;
                    x.t()?.copy_(&x.t()?)?;
                    assert!(x.sum_dim([1], false)?.to_dtype(DType::F64).isfinite().all().item::<bool>()?);
                    // A copy, as what multiplication saves must stay as it was.
                    own.copy().mul(weight)?.mean().backward()?;
                }
                Ok(())
            })
        });
        threads.into_iter().try_for_each(|thread| thread.join().unwrap())
    })?;
    assert_eq!(x.select(0, 3)?.to_vec::<f32>()?, [300.0; 64]);
    assert!(weight.grad().is_some_and(|grad| grad.isfinite().all().item::<bool>().unwrap()));
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

/// What is overwritten has no influence any more: its gradient is zero, and there.
#[test]
fn overwritten_tensors_have_zero_gradients() -> Result<()> {
    let overwrite: [fn(&Tensor) -> Result<Tensor>; 4] =
        [|y| y.fill_(2.0), |y| y.zero_(), |y| y.copy_(&Tensor::ones([2, 3])), |y| y.uniform_(0.0, 1.0)];
    for overwrite in overwrite {
        let x = Tensor::ones([2, 3]).requires_grad_(true)?;
        let y = x.mul(1.0)?;
        overwrite(&y)?;
        y.sum().backward()?;
        assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0; 6]);
    }
    // One value for all elements may be written to an expanded tensor.
    let x = Tensor::ones([3]).requires_grad_(true)?;
    let y = x.mul(1.0)?;
    y.expand([2, 3])?.fill_(4.0)?;
    assert_eq!(y.to_vec::<f32>()?, [4.0; 3]);
    y.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0; 3]);
    assert!(Tensor::ones([3]).expand([2, 3])?.add_(1.0).is_err());
    Ok(())
}
