use rustorch::prelude::*;

model! {
    pub Net {
        conv1: Conv2d(1, 8, kernel = 3),
        conv2: Conv2d(_, 8, kernel = 9),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 8, 5, 5] {
        let x = max_pool2d(conv1(x), 4);
        conv2(x)
    }
}

fn main() {}
