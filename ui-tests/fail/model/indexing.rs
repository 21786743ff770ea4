use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        fc(x[0])
    }
}

fn main() {}
