//! Automatic differentiation on one screen: `cargo run --release --example autograd`.

use clap::Parser;
use rustorch::autograd::{GradOptions, grad};
use rustorch::{no_grad, tensor};
use rustorch_examples::{Result, arguments};

/// Automatic differentiation on one screen
#[derive(Parser)]
struct Arguments {}

fn main() -> Result<()> {
    let Arguments {} = arguments()?;

    // A leaf that requires gradients, and something computed from it.
    let x = tensor!([1.0, 2.0, 3.0]).requires_grad_(true)?;
    let y = (&x * &x + x.sin()).sum();
    println!("y       = {y}");

    // Backward leaves dy/dx in `x.grad()`: 2x + cos x.
    y.backward()?;
    println!("dy/dx   = {}", x.grad().expect("backward has filled it"));

    // Gradients accumulate until they are cleared.
    x.set_grad(None)?;

    // Higher orders: differentiate the gradient itself. Of x³: 3x², 6x, 6.
    let create_graph = GradOptions { create_graph: true, ..Default::default() };
    let mut derivative = x.pow(3)?;
    for order in 1..=3 {
        let total = derivative.sum();
        derivative = grad(&[&total], &[&x], &[], create_graph)?.remove(0).expect("depends on x");
        println!("d{order}x³/dx{order} = {derivative}");
    }

    // Gradient descent on (w - 3)², by hand. In-place updates of a leaf go under `no_grad`.
    let w = tensor!(0.0).requires_grad_(true)?;
    for _ in 0..50 {
        (&w - 3.0).square().backward()?;
        let step = w.grad().expect("backward has filled it") * 0.1;
        no_grad(|| w.sub_(&step))?;
        w.set_grad(None)?;
    }
    println!("w       = {w}");
    Ok(())
}
