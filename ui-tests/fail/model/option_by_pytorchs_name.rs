use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(_, 8, kernel_size = 3),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 26, 26] {
        conv(x)
    }
}

fn main() {}
