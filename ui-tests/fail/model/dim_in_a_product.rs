use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: [2 * batch, 64]) -> [2 * batch, 10] {
        a(x)
    }
}

fn main() {}
