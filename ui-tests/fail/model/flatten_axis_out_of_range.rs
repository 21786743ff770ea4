use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(x, 4))
    }
}

fn main() {}
