//! Items of Rust, further passes and conditions, each refused once and without followers.

use rustorch::prelude::*;

model! {
    First<const D: usize, const D: usize> {
        fc: Linear(D, 4),
    }
    fn new() -> Self {
        First { fc: nn::Linear::new(4, 4) }
    }
    forward(x: [batch, D]) -> [batch, 4] {
        fc(x)
    }
    encode(x: [batch, D]) -> [batch, 4] {
        relu(fc(x))
    }

    impl First {
        pub fn width(&self) -> usize {
            4
        }
    }

    Second<const D: usize> where D > 3 {
        encoder: TransformerEncoder(TransformerEncoderLayer(64, 8), 6),
        fc: Linear(D, 4),
    }
    forward(x: [batch, D]) -> [batch] {
        max(fc(x), 1).values
    }

    use nn::Linear;
}

fn main() {}
