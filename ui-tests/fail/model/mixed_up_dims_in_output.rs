use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
    }
    forward(x: [batch, seq, 64]) -> [seq, batch, 64] {
        fc(x)
    }
}

fn main() {}
