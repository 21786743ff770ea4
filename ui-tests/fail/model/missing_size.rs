use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        fc(x)
    }
}

fn main() {}
