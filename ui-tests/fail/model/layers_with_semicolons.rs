use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10);
        b: ReLU;
    }
    forward(x: [batch, 64]) -> [batch, 12] {
        b(a(x))
    }
}

fn main() {}
