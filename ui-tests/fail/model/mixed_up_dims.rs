use rustorch::prelude::*;

model! {
    pub Net {
        q: Linear(_, 64),
    }
    forward(x: [batch, seq, 64], y: [seq, batch, 64]) -> [batch, seq, 64] {
        q(x) + y
    }
}

fn main() {}
