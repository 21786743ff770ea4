use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(64, 64),
        layers: [Linear(64, 64); 3],
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        for layer in self.a {
            x = layer(x);
        }
        for layer in self.layer {
            x = layer(x);
        }
        x
    }
}

fn main() {}
