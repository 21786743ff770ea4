use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(3, 8, kernel = 3),
    }
    forward(x: [batch, 32, 32, 3]) -> [batch, 8, 30, 30] {
        conv(x)
    }
}

fn main() {}
