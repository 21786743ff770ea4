use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
    }
    forward(x: [batch, 64]) -> [32, 64] {
        fc(x)
    }
}

fn main() {}
