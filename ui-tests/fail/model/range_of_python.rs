use rustorch::prelude::*;

model! {
    Net {
        layers: [Linear(784, 784); 3],
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let y = flatten(x, 1);
        for i in range(3) {
            y = layers[i](y);
        }
        fc(y)
    }
}

fn main() {}
