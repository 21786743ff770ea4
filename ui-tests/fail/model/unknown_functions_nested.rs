use rustorch::prelude::*;

model! {
    pub Net {
        conv1: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        rleu(conv(x)) + softmx(z, 1)
    }
}

fn main() {}
