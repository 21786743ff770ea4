use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(_, 10),
        act: "relu",
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        act(fc(flatten(x, 1)))
    }
}

fn main() {}
