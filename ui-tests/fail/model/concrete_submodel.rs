use rustorch::prelude::*;

model! {
    pub Heads<const D: usize, const HEADS: usize> {
        out: Linear(D, D),
    }
    forward(x: [batch, D]) -> [batch, D] {
        out(flatten(reshape(x, [batch, HEADS, D / HEADS]), 1))
    }
}

model! {
    pub Net {
        heads: Heads<10, 4>,
    }
    forward(x: [batch, 10]) -> [batch, 10] {
        let y: [batch, 10] = heads(x);
        y
    }
}

fn main() {}
