use rustorch::prelude::*;

model! {
    Net<const D: usize, const LAYERS: usize> {
        hidden: [Linear(D, D); LAYERS - 1],
        fc: Linear(D, 10),
    }
    forward(x: [batch, D]) -> [batch, 10] {
        for layer in self.hidden {
            x = relu(layer(x));
        }
        fc(x)
    }
}

fn main() {}
