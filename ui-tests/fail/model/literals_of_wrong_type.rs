use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10, bias = "no"),
        norm: LayerNorm(_, eps = true),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        norm(a(x))
    }
}

fn main() {}
