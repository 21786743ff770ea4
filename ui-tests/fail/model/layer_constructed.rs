use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear::new(64, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        a(x)
    }
}

fn main() {}
