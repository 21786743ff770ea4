use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(1, 8, 3, 2),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 26, 26] {
        conv(x)
    }
}

fn main() {}
