use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(_, 8, kernel = 3),
    }
    forward(x: [batch, 784]) -> [batch, 8] {
        conv(x)
    }
}

fn main() {}
