use rustorch::prelude::*;

model! {
    pub Net {
        act: Relu,
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        act(x)
    }
}

fn main() {}
