use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10)
        b: Linear(_, 5),
    }
    forward(x: [batch, 64]) -> [batch, 5] {
        b(a(x))
    }
}

fn main() {}
