use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 10),
        head: Linear(_, 3),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        fc(x)
    }
}

fn main() {}
