use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [bacth, 10] {
        fc(x)
    }
}

fn main() {}
