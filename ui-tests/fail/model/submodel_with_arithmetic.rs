use rustorch::prelude::*;

model! {
    pub Block<const D: usize>: [batch, D] -> [batch, D] { Linear(D), ReLU }
}

model! {
    pub Net<const D: usize> {
        up: Linear(D, 2 * D),
        block: Block<{ 2 * D }>,
    }
    forward(x: [batch, D]) -> [batch, 2 * D] {
        let y: [batch, 2 * D] = block(up(x));
        y
    }
}

fn main() {}
