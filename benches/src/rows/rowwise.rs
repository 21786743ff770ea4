//! Operations along the rows of a 1024×1024 matrix, and normalisation of groups of channels.

use std::hint::black_box;

use rustorch::autograd::GradOptions;
use rustorch::{Result, Tensor, nn::functional as f};

use super::{Row, Step};

pub fn rows() -> Vec<Row> {
    let row = |name: &str, f: fn(&Tensor) -> Result<Tensor>| {
        Row::time(format!("{name} 1024x1024"), move || -> Result<Step> {
            let x = Tensor::randn([1024, 1024]);
            f(&x)?;
            Ok(Box::new(move || drop(black_box(f(&x)))))
        })
    };
    let mut rows = vec![
        row("softmax", |x| x.softmax(1)),
        row("layernorm", |x| f::layer_norm(x, &[1024], None, None, 1e-5)),
        row("transpose copy", |x| Ok(x.t()?.contiguous())),
        row("sort", |x| Ok(x.sort(1, false, false)?.0)),
        row("topk 10", |x| Ok(x.topk(10, 1, true, true)?.0)),
        row("cumsum", |x| x.cumsum(1)),
    ];
    for backward in [false, true] {
        rows.push(group_norm([64, 32, 28, 28], 8, backward));
        rows.push(group_norm([16, 256, 32, 32], 32, backward));
    }
    rows
}

/// With weight and bias, and the gradients of all three.
fn group_norm(shape: [usize; 4], groups: usize, backward: bool) -> Row {
    let [b, c, h, w] = shape;
    let ending = if backward { " forward backward" } else { "" };
    Row::time(format!("groupnorm {groups} of {b}x{c}x{h}x{w}{ending}"), move || {
        let x = Tensor::randn(shape).requires_grad_(backward)?;
        let weight = Tensor::randn([c]).requires_grad_(backward)?;
        let bias = Tensor::randn([c]).requires_grad_(backward)?;
        let dy = Tensor::randn(shape);
        let step = move || -> Result<()> {
            let y = f::group_norm(&x, groups, Some(&weight), Some(&bias), 1e-5)?;
            if backward {
                y.backward_with(Some(&dy), GradOptions::default())?;
                for operand in [&x, &weight, &bias] {
                    operand.set_grad(None)?;
                }
            }
            drop(black_box(y));
            Ok(())
        };
        step()?;
        Ok(Box::new(move || step().expect("it has run before")) as Step)
    })
}
