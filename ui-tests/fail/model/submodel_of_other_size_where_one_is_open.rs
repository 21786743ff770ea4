use rustorch::prelude::*;

model! {
    pub Block<const D: usize> { conv: Conv2d(D, D, kernel = 3, padding = 1) }
    forward(x: [batch, D, h, w]) -> [batch, D, h, w] { conv(x) }
}

model! {
    pub Input {
        block: Block<16>,
    }
    forward(x: [batch, 8, h, w]) -> [batch, 16, h / 2, w / 2] {
        let y: [batch, 16, h / 2, w / 2] = block(max_pool2d(x, 2));
        y
    }
}

model! {
    pub Output {
        block: Block<8>,
    }
    forward(x: [batch, 8, h, w]) -> [batch, 16, h / 2, w / 2] {
        let y: [batch, 16, h / 2, w / 2] = block(max_pool2d(x, 2));
        y
    }
}

fn main() {}
