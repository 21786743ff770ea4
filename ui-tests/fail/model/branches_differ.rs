use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
        b: Linear(_, 12),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        if self.training { a(x) } else { b(x) }
    }
}

fn main() {}
