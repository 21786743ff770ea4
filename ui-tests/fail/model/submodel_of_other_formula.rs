use rustorch::prelude::*;

model! {
    pub Double<const D: usize> { fc: Linear(D, 2 * D) }
    forward(x: [batch, D]) -> [batch, 2 * D] { fc(x) }
}

model! {
    pub Net { double: Double<8>, fc: Linear(12, 2) }
    forward(x: [batch, 8]) -> [batch, 2] {
        let y: [batch, 12] = double(x);
        fc(y)
    }
}

fn main() {}
