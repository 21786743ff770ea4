//! Matrix products, from vectors to large squares and skinny shapes.

use std::hint::black_box;

use rustorch::{Result, Tensor};

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

pub fn rows() -> Vec<Row> {
    SIZES.into_iter().map(|(m, k, n)| row(m, k, n)).collect()
}

fn row(m: usize, k: usize, n: usize) -> Row {
    let setup = move || -> Result<Step> {
        let (a, b) = (Tensor::randn([m, k]), Tensor::randn([k, n]));
        a.matmul(&b)?;
        Ok(Box::new(move || drop(black_box(a.matmul(&b)))))
    };
    Row { flop: Some(2.0 * (m * k * n) as f64), ..Row::time(format!("matmul {m}x{k}x{n}"), setup) }
}
