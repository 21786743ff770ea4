use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(784, 784),
        out: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let y = fc(flatten(x, 1));
        let z = y.T;
        let d = y.device;
        out(y.data)
    }
}

fn main() {}
