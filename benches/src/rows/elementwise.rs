//! Elementwise operations: bandwidth at four million elements, overhead at sixteen.

use std::hint::black_box;

use rustorch::{Result, Tensor, fuse};

use super::{Row, Step};

/// The elements of the large rows.
const LARGE: usize = 4 << 20;

pub fn rows() -> Vec<Row> {
    let row = |name: &str, shape: &'static [usize], f: fn(&Tensor) -> Tensor| {
        Row::time(name, move || {
            let x = input(shape)?;
            Ok(Box::new(move || drop(black_box(f(&x)))) as Step)
        })
    };
    vec![
        row("gelu 4M", &[LARGE], Tensor::gelu),
        row("exp 4M", &[LARGE], Tensor::exp),
        row("add 4M", &[LARGE], |x| x + x),
        row("sum 4M", &[LARGE], Tensor::sum),
        row("add 4x4 eager", &[4, 4], |x| x + x),
        row("fused gelu 1M", &[LARGE / 4], |x| fuse!(|x| x.gelu(), x).expect("it has run before")),
        row("gelu 1M", &[LARGE / 4], Tensor::gelu),
        row("sigmoid 4M", &[LARGE], Tensor::sigmoid),
        row("tanh 4M", &[LARGE], Tensor::tanh),
        fused("fused tanh(xy)+x/2 1M", false),
        fused("fused tanh(xy)+x/2 1M forward backward", true),
    ]
}

/// An expression of four operations: one loop here, four operators in PyTorch's eager mode.
fn fused(name: &str, backward: bool) -> Row {
    Row::time(name, move || {
        let leaf = || input(&[LARGE / 4])?.requires_grad_(backward);
        let (x, y) = (leaf()?, leaf()?);
        let step = move || -> Result<()> {
            let z = fuse!(|x, y| (x * y).tanh() + 0.5 * x, &x, &y)?;
            if backward {
                z.sum().backward()?;
                x.set_grad(None)?;
                y.set_grad(None)?;
            }
            drop(black_box(z));
            Ok(())
        };
        step()?;
        Ok(Box::new(move || step().expect("it has run before")) as Step)
    })
}

/// Numbers between -2 and 2 without a pattern that a cache or predictor could use.
fn input(shape: &[usize]) -> Result<Tensor> {
    let numel: usize = shape.iter().product();
    let value = |i: usize| (i.wrapping_mul(2_654_435_761) >> 8) as f32 % 4096.0 / 1024.0 - 2.0;
    Tensor::from_vec((0..numel).map(value).collect::<Vec<_>>(), shape)
}
