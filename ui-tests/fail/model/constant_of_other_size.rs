use rustorch::prelude::*;

const WIDTH: usize = 64;

model! {
    pub Net {
        fc: Linear(WIDTH, 10),
    }
    forward(x: [batch, 60]) -> [batch, 10] {
        fc(x)
    }
}

fn main() {}
