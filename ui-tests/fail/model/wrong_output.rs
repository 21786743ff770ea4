use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(1, 8, kernel = 3, stride = 2),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 14, 14] {
        conv(x)
    }
}

fn main() {}
