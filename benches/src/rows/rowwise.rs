//! Operations along the rows of a 1024×1024 matrix.

use std::hint::black_box;

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
    vec![
        row("softmax", |x| x.softmax(1)),
        row("layernorm", |x| f::layer_norm(x, &[1024], None, None, 1e-5)),
        row("transpose copy", |x| Ok(x.t()?.contiguous())),
        row("sort", |x| Ok(x.sort(1, false, false)?.0)),
        row("topk 10", |x| Ok(x.topk(10, 1, true, true)?.0)),
        row("cumsum", |x| x.cumsum(1)),
    ]
}
