use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(32, 10),
    }
    pub fn forward(&self, x: [batch, 64]) -> [batch, 10] {
        a(x)
    }
}

fn main() {}
