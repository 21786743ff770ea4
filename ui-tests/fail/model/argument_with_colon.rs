use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        softmax(a(x), dim: 1)
    }
}

fn main() {}
