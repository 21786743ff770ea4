use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(Linear(784, 128)(flatten(x, 1)))
    }
}

fn main() {}
