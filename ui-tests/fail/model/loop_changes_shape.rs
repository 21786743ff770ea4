use rustorch::prelude::*;

model! {
    pub Block<const D: usize>: [batch, D] -> [batch, D] { fc: Linear(D), ReLU }
}

model! {
    pub Net {
        blocks: [Block<64>; 4],
        fc: Linear(_, 32),
    }
    forward(x: [batch, 64]) -> [batch, 32] {
        for block in self.blocks {
            x = block(x);
            x = fc(x);
        }
        x
    }
}

fn main() {}
