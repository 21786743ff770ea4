use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 0),
    }
    forward(x: [batch, 64]) -> [batch, 0] {
        a(x)
    }
}

fn main() {}
