use rustorch::prelude::*;

model! {
    pub Block<const D: usize>: [batch, D] -> [batch, D] { fc: Linear(D), ReLU }
}

model! {
    pub Net {
        block: Block<64>,
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        relu(block(x))
    }
}

fn main() {}
