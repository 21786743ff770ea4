use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(_, 8, kernel = 3, padding = "full"),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 26, 26] {
        conv(x)
    }
}

fn main() {}
