use rustorch::prelude::*;

model! {
    pub Net {
        encoder: Linear(_, 10),
    }
    forward(image: [batch, 64]) -> [batch, 10] {
        encoder(imgae)
    }
}

fn main() {}
