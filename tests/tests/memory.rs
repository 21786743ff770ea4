//! Tensors that share memory: with themselves, between threads, and under differentiation.

use std::sync::mpsc::channel;
use std::time::Duration;

use rustorch::autograd::GradOptions;
use rustorch::{Result, Tensor, enable_grad, inference_mode, no_grad};

fn matrix(n: usize) -> Result<Tensor> {
    Tensor::arange(0.0, (n * n) as f64, 1.0)?.reshape([n, n])
}

/// Runs the work on another thread, which must end.
fn within_a_minute(work: impl FnOnce() -> Result<()> + Send + 'static) {
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(60)).expect("no deadlock").expect("no error");
}

#[test]
fn threads_that_write_to_one_anothers_operands_end() {
    within_a_minute(|| {
        let tensors: Vec<Tensor> = (0..3).map(|_| matrix(8)).collect::<Result<_>>()?;
        std::thread::scope(|scope| {
            for (target, source) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)] {
                let tensors = &tensors;
                scope.spawn(move || {
                    for _ in 0..500 {
                        tensors[target].copy_(&tensors[source].t().unwrap()).unwrap();
                        tensors[target]
                            .narrow(0, 0, 4)
                            .unwrap()
                            .add_(&tensors[source].narrow(0, 4, 4).unwrap())
                            .unwrap();
                        tensors[target].clamp_min(0.0).unwrap().matmul(&tensors[source]).unwrap();
                        tensors[target].zero_().unwrap();
                    }
                });
            }
        });
        Ok(())
    });
}

#[test]
fn graphs_of_one_leaf_run_on_many_threads() -> Result<()> {
    const fn shared<T: Send + Sync>() {}
    shared::<Tensor>();
    let x = Tensor::ones([100]).requires_grad_(true)?;
    let y = x.mul(2.0)?;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (x, y) = (x.clone(), y.clone());
            scope.spawn(move || {
                for _ in 0..50 {
                    let loss = x.square().sum().add(&y.sum()).unwrap();
                    let options = GradOptions { retain_graph: true, ..Default::default() };
                    rustorch::autograd::grad(&[&loss], &[&x], &[], options).unwrap();
                    x.sin().sum().backward().unwrap();
                }
            });
        }
    });
    let grad = x.grad().expect("a gradient").to_vec::<f32>()?;
    let expected = 200.0 * 1f32.cos();
    assert!(grad.iter().all(|value| (value - expected).abs() < 1e-3 * expected), "{grad:?}");
    // Modes belong to the thread that sets them.
    no_grad(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(x.mul(1.0).unwrap().requires_grad()));
        });
        assert!(!x.mul(1.0)?.requires_grad());
        enable_grad(|| assert!(x.mul(1.0).unwrap().requires_grad()));
        Ok(())
    })
}

#[test]
fn writes_through_views_are_noticed_by_the_gradient() -> Result<()> {
    let x = Tensor::ones([4]).requires_grad_(true)?;
    let h = x.mul(2.0)?;
    let (view, y) = (h.narrow(0, 1, 2)?, h.exp());
    let z = h.square();
    assert_eq!(h.version(), view.version());
    view.mul_(3.0)?;
    assert_eq!((h.version(), view.version()), (1, 1));
    // The result of exp is its own; h, which square saved, has changed.
    y.sum().backward()?;
    let message = z.sum().backward().unwrap_err().to_string();
    assert!(message.contains("square") && message.contains("version"), "{message}");
    // A write without recording counts as well, one to a detached alias too.
    let z = h.square();
    no_grad(|| h.detach().add_(1.0))?;
    assert!(z.sum().backward().is_err());
    let leaf = Tensor::ones([2]).requires_grad_(true)?;
    assert!(leaf.narrow(0, 0, 1)?.mul_(2.0).unwrap_err().to_string().contains("leaf"));
    let expanded = Tensor::ones([1]).expand([3])?;
    assert!(expanded.add_(1.0).unwrap_err().to_string().contains("expanded"));
    Ok(())
}

#[test]
fn hooks_run_until_removed_and_may_fail() -> Result<()> {
    let x = Tensor::ones([2]).requires_grad_(true)?;
    let doubled = x.register_hook(|grad| Some(grad * 2.0))?;
    x.register_hook(|grad| Some(grad + 1.0))?;
    x.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [3.0, 3.0]);
    doubled.remove();
    x.set_grad(None)?;
    x.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 2.0]);
    let h = x.mul(1.0)?;
    h.register_hook(|grad| grad.sum_dim(0, true).ok())?;
    let message = h.sum().backward().unwrap_err().to_string();
    assert!(message.contains("hook") && message.contains("[1]") && message.contains("[2]"), "{message}");
    assert!(Tensor::ones([1]).register_hook(|_| None).is_err());
    Ok(())
}

#[test]
fn inference_tensors_stay_out_of_graphs() -> Result<()> {
    let made = inference_mode(|| Tensor::ones([2]).mul(2.0))?;
    assert!(made.is_inference() && !made.requires_grad());
    let x = Tensor::ones([2]).requires_grad_(true)?;
    assert!(x.mul(&made).unwrap_err().to_string().contains("inference"));
    assert!(made.requires_grad_(true).unwrap_err().to_string().contains("inference"));
    x.mul(&made.copy())?.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 2.0]);
    // What needs no gradient may read it.
    assert_eq!(x.detach().add(&made)?.to_vec::<f32>()?, [3.0, 3.0]);
    Ok(())
}
