use rustorch::prelude::*;

model! {
    pub Net {
        q: Linear(_, 32),
        k: Linear(_, 16),
    }
    forward(x: [batch, seq, 64]) -> [batch, seq, seq] {
        einsum!("bqd,bkd->bqk", q(x), k(x))
    }
}

fn main() {}
