use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(1, 8, kernel = 5, dilation = 8, padding = 1),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 1, 1] {
        conv(x)
    }
}

fn main() {}
