use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
        b: Linear(_, 5),
    }
    forward(x: [batch, 64]) -> [batch, 5] {
        let y = a(x)
        let z = b(y);
        z
    }
}

fn main() {}
