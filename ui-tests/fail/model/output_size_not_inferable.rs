use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, _),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        fc(x)
    }
}

fn main() {}
