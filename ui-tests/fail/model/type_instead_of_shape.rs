use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: Tensor) -> Tensor {
        a(x).view([batch, 10])
    }
}

fn main() {}
