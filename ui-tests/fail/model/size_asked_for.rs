use rustorch::prelude::*;

model! {
    pub Net {
    }
    forward(x: [batch, 64]) -> [batch, 8, 8] {
        reshape(x, [x.size(0), 8, 8])
    }
}

fn main() {}
