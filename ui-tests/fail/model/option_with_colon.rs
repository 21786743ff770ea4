use rustorch::prelude::*;

model! {
    pub Net {
        a: Conv2d(1, 2, kernel: 3),
    }
    forward(x: [batch, 1, 8, 8]) -> [batch, 2, 6, 6] {
        relu(a(x))
    }
}

fn main() {}
