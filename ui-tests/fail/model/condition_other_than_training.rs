use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        let x = if self.deep { relu(x) } else { x };
        a(x)
    }
}

fn main() {}
