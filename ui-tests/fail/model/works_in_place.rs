use rustorch::prelude::*;

model! {
    pub Net<const C: usize> {
        conv: Conv2d(C, C, kernel = 3, padding = 1),
    }
    forward(x: [batch, C, h, w]) -> [batch, C, h, w] {
        let y = conv(x);
        y.add_(x);
        relu(y)
    }
}

fn main() {}
