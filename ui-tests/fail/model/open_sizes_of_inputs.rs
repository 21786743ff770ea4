use rustorch::prelude::*;

model! {
    Blank {
        fc: Linear(784, 10),
    }
    forward(x: [_, 784]) -> [_, 10] {
        fc(x)
    }
}

model! {
    Nothing {
        fc: Linear(784, 10),
    }
    forward(x: [None, 784]) -> [None, 10] {
        fc(x)
    }
}

model! {
    Minus {
        fc: Linear(784, 10),
    }
    forward(x: [-1, 784]) -> [-1, 10] {
        fc(x)
    }
}

fn main() {}
