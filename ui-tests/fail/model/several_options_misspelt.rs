use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(1, 8, kernal = 3, strid = 2),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 13, 13] {
        conv(x)
    }
}

fn main() {}
