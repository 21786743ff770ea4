use rustorch::prelude::*;

model! {
    pub Net {
        layers: [Linear(_, 16); 3],
    }
    forward(x: [batch, 60]) -> [batch, 16] {
        for layer in self.layers {
            x = relu(layer(x));
        }
        x
    }

    Other {
        lateral: [Conv2d(_, 8, kernel = 1); 2],
    }
    forward(a: [batch, 32, h, w], b: [batch, 16, h, w]) -> [batch, 8, h, w] {
        lateral[0](a) + lateral[1](b)
    }
}

fn main() {}
