use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(_, 8, kernel = 3, paddding = 1),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 28, 28] {
        conv(x)
    }
}

fn main() {}
