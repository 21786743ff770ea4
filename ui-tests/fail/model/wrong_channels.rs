use rustorch::prelude::*;

model! {
    pub Net {
        conv1: Conv2d(1, 32, kernel = 3),
        conv2: Conv2d(16, 64, kernel = 3),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 64, 24, 24] {
        conv2(conv1(x))
    }
}

fn main() {}
