use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
        b: Linear(_, 12),
    }
    forward(x: [batch, 64]) -> [batch, 12] {
        let y = relu(a(x));
        y + b(x)
    }
}

fn main() {}
