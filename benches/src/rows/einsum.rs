//! Einsum specifications: contractions that are matrix products, chains, traces, and overhead.

use std::hint::black_box;

use rustorch::{Result, Tensor, einsum};

use super::{Row, Step};

pub fn rows() -> Vec<Row> {
    vec![
        row("bij,bjk->bik", &[&[32, 64, 48], &[32, 48, 80]]),
        row("bqhd,bkhd->bhqk", &[&[8, 128, 4, 32], &[8, 128, 4, 32]]),
        row("ij,jk,kl->il", &[&[64, 64], &[64, 512], &[512, 64]]),
        row("ij,jk->ik", &[&[4, 4], &[4, 4]]),
        row("ii->", &[&[256, 256]]),
        row("ij,ij->", &[&[256, 256], &[256, 256]]),
    ]
}

fn row(spec: &'static str, shapes: &'static [&'static [usize]]) -> Row {
    Row::time(format!("einsum {spec}"), move || -> Result<Step> {
        let operands: Vec<Tensor> = shapes.iter().map(|&shape| Tensor::randn(shape)).collect();
        let borrow = |operands: &[Tensor]| einsum(spec, &operands.iter().collect::<Vec<_>>());
        borrow(&operands)?;
        Ok(Box::new(move || drop(black_box(borrow(&operands)))))
    })
}
