use rustorch::prelude::*;

model! {
    Net {
        fc1: Linear(784, 128),
        fc2: Linear(100, 10),
    }
    forward(x: [batch, 784]) -> [batch, 10] {
        let h = rellu(fc1(x));
        let z = fc2(relu(fc1(x)));
        z.dropout_(0.5);
        let w = fc1(x) fc1(x);
        z + q + w
    }
}

fn main() {}
