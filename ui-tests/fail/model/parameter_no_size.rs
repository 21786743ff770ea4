use rustorch::prelude::*;

model! {
    pub Net<const D: i32> {
        a: Linear(_, D),
    }
    forward(x: [batch, 64]) -> [batch, D] {
        a(x)
    }
}

fn main() {}
