use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(_, 8, kernel = 5),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 12, 12] {
        let h: [batch, 8, 26, 26] = conv(x);
        max_pool2d(h, 2)
    }
}

fn main() {}
