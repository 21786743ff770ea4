use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
        b: Linear(_, 12),
    }
    forward(x: [batch, 64]) -> [batch, 22] {
        cat([a(x), b(x)], 0)
    }
}

fn main() {}
