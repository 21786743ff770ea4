use rustorch::prelude::*;

model! {
    pub Net {
    }
    forward(x: [batch, 64]) -> [batch, 128] {
        x.cat(x, 1)
    }
}

fn main() {}
