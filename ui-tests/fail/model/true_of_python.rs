use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(784, 10, bias = False),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let y = fc(flatten(x, 1));
        y - mean(y, 1, keepdim = True)
    }
}

fn main() {}
