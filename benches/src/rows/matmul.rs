//! Matrix products, from vectors to large squares and skinny shapes.

use std::hint::black_box;

use rustorch::{DType, Result, Tensor};

use super::{Row, Step};

/// Rows, inner size and columns of each product.
const SIZES: [(usize, usize, usize); 9] = [
    (1, 784, 512),
    (32, 784, 512),
    (64, 512, 512),
    (256, 256, 256),
    (512, 512, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
    (64, 3072, 768),
    (768, 64, 768),
];

/// Those that are also multiplied in bf16.
const HALVES: [(usize, usize, usize); 3] = [(64, 512, 512), (512, 512, 512), (1024, 1024, 1024)];

pub fn rows() -> Vec<Row> {
    let singles = SIZES.into_iter().map(|size| row("", size, DType::F32));
    singles.chain(HALVES.map(|size| row("bf16 ", size, DType::BF16))).collect()
}

fn row(kind: &str, (m, k, n): (usize, usize, usize), dtype: DType) -> Row {
    let setup = move || -> Result<Step> {
        let (a, b) = (Tensor::randn([m, k]).to_dtype(dtype), Tensor::randn([k, n]).to_dtype(dtype));
        a.matmul(&b)?;
        Ok(Box::new(move || drop(black_box(a.matmul(&b)))))
    };
    Row { flop: Some(2.0 * (m * k * n) as f64), ..Row::time(format!("matmul {kind}{m}x{k}x{n}"), setup) }
}
