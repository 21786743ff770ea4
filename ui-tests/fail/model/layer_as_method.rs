use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(3, 8, kernel = 3, padding = 1),
        bn: BatchNorm2d(8),
    }
    forward(x: [batch, 3, h, w]) -> [batch, 8, h, w] {
        conv(x).bn().relu()
    }
}

fn main() {}
