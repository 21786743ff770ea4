use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(784, 10),
    }
    forward(x: [batch, 784], train: bool, width: usize) -> [batch, 10] {
        fc(x)
    }
}

fn main() {}
