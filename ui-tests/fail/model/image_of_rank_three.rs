use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(3, 8, kernel = 3),
    }
    forward(x: [batch, 3, 32]) -> [batch, 8, 30] {
        conv(x)
    }
}

fn main() {}
