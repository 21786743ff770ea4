use rustorch::prelude::*;

model! {
    pub Net {
    }
    forward(x: [batch, 64]) -> [64, batch] {
        transpose(softmax(x), 0)
    }
}

fn main() {}
