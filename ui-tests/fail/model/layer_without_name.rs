use rustorch::prelude::*;

model! {
    pub Net {
        Linear(64, 10),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        relu(x)
    }
}

fn main() {}
