use rustorch::prelude::*;

model! {
    pub Net<const D: usize> {
        layers: [Linear(D, D); 4],
    }
    forward(x: [batch, D]) -> [batch, D] {
        for i in 0..4 {
            x = relu(layers[j](x));
        }
        x
    }
}

fn main() {}
