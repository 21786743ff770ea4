use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(_, 10),
        scale: Tensor,
        shift: nn.Parameter([10]),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(x, 1)) * scale + shift
    }
}

fn main() {}
