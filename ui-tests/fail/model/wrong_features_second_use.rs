use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(28, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 1, 28, 10] {
        let x = fc(x);
        fc(relu(x))
    }
}

fn main() {}
