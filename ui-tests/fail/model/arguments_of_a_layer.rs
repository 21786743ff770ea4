use rustorch::prelude::*;

model! {
    Net {
        fc: Linear[784, 10],
        conv: Conv2d(3, 8, kernel_size = 3, padding = -1, groups = 2.0),
    }
    forward(x: [batch, 784]) -> [batch, 10] {
        fc(x)
    }
}

fn main() {}
