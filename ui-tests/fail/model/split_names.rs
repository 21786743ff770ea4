use rustorch::prelude::*;

model! {
    pub Net {
        qkv: Linear(_, 96),
    }
    forward(x: [batch, 64]) -> [batch, 32] {
        let (q, k) = chunk(qkv(x), 3, -1);
        q + k
    }
}

fn main() {}
