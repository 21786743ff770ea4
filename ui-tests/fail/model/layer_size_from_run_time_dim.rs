use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 3, h, w]) -> [batch, 10] {
        fc(flatten(x, 1))
    }
}

fn main() {}
