//! A model inside that is another one than meant: one error for its call, although what it gives has another width as well.

use rustorch::prelude::*;

model! {
    Block<const D: usize> {
        fc: Linear(D, D),
    }
    forward(x: [batch, D]) -> [batch, D] {
        fc(x)
    }

    Net {
        blocks: [Block<32>; 4],
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        for block in self.blocks {
            x = block(x);
        }
        x
    }
}

fn main() {}
