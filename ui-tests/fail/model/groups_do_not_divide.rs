use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(_, 30, kernel = 3, groups = 4),
    }
    forward(x: [batch, 8, 28, 28]) -> [batch, 30, 26, 26] {
        conv(x)
    }
}

fn main() {}
