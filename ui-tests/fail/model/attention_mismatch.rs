use rustorch::prelude::*;

model! {
    pub Net {
        q: Linear(_, 32),
        k: Linear(_, 16),
    }
    forward(x: [batch, seq, 64]) -> [batch, seq, 64] {
        scaled_dot_product_attention(q(x), k(x), x)
    }
}

fn main() {}
