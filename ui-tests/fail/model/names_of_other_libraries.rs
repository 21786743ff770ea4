use rustorch::prelude::*;

model! {
    pub Net {
    }
    forward(x: [batch, 64]) -> [batch, 1] {
        mean(x, axis = 1, keepdims = true)
    }
}

fn main() {}
