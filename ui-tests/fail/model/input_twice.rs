use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(64, 10),
    }
    forward(x: [batch, 64], x: [batch, 3]) -> [batch, 10] {
        a(x)
    }
}

fn main() {}
