use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        if self.is_training() {
            x = a(x);
        }
        x
    }
}

fn main() {}
