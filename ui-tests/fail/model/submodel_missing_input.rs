use rustorch::prelude::*;

model! {
    pub Tower<const D: usize> {
        fc: Linear(D + 4, D),
    }
    forward(x: [batch, D], features: [batch, 4]) -> [batch, D] {
        fc(cat([x, features], 1))
    }

    pub Pair<const D: usize> {
        tower: Tower<D>,
    }
    forward(x: [batch, D], features: [batch, 4]) -> [batch, D] {
        let y: [batch, D] = tower(x);
        y + features.sum(1, keepdim = true)
    }
}

fn main() {}
