use rustorch::prelude::*;

model! {
    pub Net {
    }
    forward(x: [batch, 64]) -> [64, batch] {
        let y = reshape(x, batch, 8, 8);
        permute(y, 1, 0)
    }
}

fn main() {}
