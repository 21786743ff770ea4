#![deny(unused_variables)]
use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 64),
        layers: [Linear(64, 64); 3],
    }
    forward(x: [batch, 64], mask: [batch, 64]) -> [batch, 64] {
        let y = relu(a(x));
        for layer in self.layers {
            let x = layer(x);
        }
        x
    }
}

fn main() {}
