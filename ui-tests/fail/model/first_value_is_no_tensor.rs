use rustorch::prelude::*;

model! {
    Scaled {
        scale: Buffer([2], init = [1.0, 2.0]),
    }
    forward(x: [batch, 2]) -> [batch, 2] {
        x * scale
    }
}

fn main() {}
