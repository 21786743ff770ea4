use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
        fc: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        fc(x)
    }
}

fn main() {}
