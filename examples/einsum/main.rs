//! Index notation: `cargo run --release --example einsum`.
//!
//! Specifications are parsed and checked when this file is compiled; of typed operands also the sizes.

use clap::Parser;
use rustorch::einsum;
use rustorch::prelude::*;
use rustorch_examples::{Result, arguments};

dim!(Batch);

/// Index notation: products, traces, sums and chains of them
#[derive(Parser)]
struct Arguments {}

fn main() -> Result<()> {
    let Arguments {} = arguments()?;

    // Dynamic operands: the specification is checked at compile time, sizes at run time.
    let (a, b) = (Tensor::randn([2, 3]), Tensor::randn([3, 4]));
    println!("matrix product   {:?}", einsum!("ij,jk->ik", &a, &b)?.shape());
    println!("trace            {}", einsum!("ii->", &Tensor::eye(3))?);
    println!("outer product    {:?}", einsum!("i,j->ij", &a.select(0, 0)?, &b.select(1, 0)?)?.shape());
    println!("row sums         {}", einsum!("ij->i", &a)?);

    // Typed operands: sizes are part of the types, so this cannot fail, and a wrong size does not compile.
    let q = Tensor::randn([8, 16, 4, 32]).typed::<shape![Batch, 16, 4, 32]>()?;
    let k = Tensor::randn([8, 16, 4, 32]).typed::<shape![Batch, 16, 4, 32]>()?;
    let scores = einsum!("bqhd,bkhd->bhqk", &q, &k);
    println!("attention scores {:?}", scores.shape());

    // The index form reads like the formula.
    let scores = einsum!(s[b, h, q, k] = q[b, q, h, d] * k[b, k, h, d]);
    println!("the same         {:?}", scores.shape());

    // Chains are contracted in the cheapest order: here right to left.
    let (big, tall, thin) = (Tensor::randn([256, 256]), Tensor::randn([256, 256]), Tensor::randn([256, 1]));
    println!("chain            {:?}", einsum!("ij,jk,kl->il", &big, &tall, &thin)?.shape());
    Ok(())
}
