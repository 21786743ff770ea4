use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(784, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(super().forward(x), 1))
    }
}

fn main() {}
