use rustorch::prelude::*;

model! {
    pub Block<const IN: usize, const OUT: usize, const STRIDE: usize> {
        conv: Conv2d(IN, OUT, kernel = 3, stride = STRIDE),
        bn: BatchNorm2d(_),
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 3) / STRIDE + 1, (w - 3) / STRIDE + 1] {
        let y = bn(conv(x));
        if STRIDE == 1 && IN == OUT { x + y } else { y }
    }
}

fn main() {}
