use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch] {
        a(x)[:, 0]
    }
}

fn main() {}
