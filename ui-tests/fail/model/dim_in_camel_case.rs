use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: [Batch, 64]) -> [Batch, 10] {
        a(x)
    }
}

fn main() {}
