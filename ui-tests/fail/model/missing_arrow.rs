use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(32, 10),
    }
    forward(x: [batch, 64]) {
        a(x)
    }
}

fn main() {}
