use rustorch::prelude::*;

model! {
    Block<const D: usize> {
        fc: Linear(D, D),
    }
    forward(x: [batch, D]) -> [batch, D] {
        fc(x)
    }
}

model! {
    Net<const D: usize> {
        wide: Block<2 * D>,
        fixed: Block<2 * 32>,
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        let x: [batch, 64] = fixed(x);
        let y: [batch, 64] = wide(x);
        y
    }
}

fn main() {}
