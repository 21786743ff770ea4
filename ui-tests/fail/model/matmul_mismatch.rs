use rustorch::prelude::*;

model! {
    pub Net {
        q: Linear(_, 32),
        k: Linear(_, 16),
    }
    forward(x: [batch, seq, 64]) -> [batch, seq, seq] {
        matmul(q(x), transpose(k(x), -2, -1))
    }
}

fn main() {}
