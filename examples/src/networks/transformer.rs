//! The block that the GPT and the ViT are made of.

use rustorch::prelude::*;

model! {
    /// Attention between positions, then a layer of neurons per position, each after a layer norm and added to its input
    /// (the pre-norm transformer: Vaswani et al. 2017; Radford et al. 2019). If it is causal, a position sees itself and what
    /// came before.
    pub Block<const D: usize, const HEADS: usize, const CAUSAL: bool> {
        ln1: LayerNorm(D),
        query: Linear(D, D),
        key: Linear(D, D),
        value: Linear(D, D),
        proj: Linear(D, D),
        ln2: LayerNorm(D),
        up: Linear(D, 4 * D),
        down: Linear(4 * D, D),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let h = ln1(x);
        let q = transpose(reshape(query(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let k = transpose(reshape(key(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let v = transpose(reshape(value(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let a = scaled_dot_product_attention(q, k, v, causal = CAUSAL);
        let x = x + proj(reshape(transpose(a, 1, 2), [batch, seq, D]));
        x + down(gelu(up(ln2(x)), approximate = "tanh"))
    }
}
