use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, width),
    }
    forward(x: [batch, width]) -> [batch, width] {
        fc(x)
    }
}

fn main() {}
