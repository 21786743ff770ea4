use rustorch::prelude::*;

model! {
    pub Block<const D: usize>: [batch, D] -> [batch, D] { fc: Linear(D), ReLU }
}

model! {
    pub Net {
        block: Block<64>,
    }
    forward(x: [batch, 64]) -> [batch, 32] {
        let h: [batch, 32] = block(x);
        relu(h)
    }
}

fn main() {}
