use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
    }
    forward(x: [batch, seq, 32]) -> [batch, 5, seq, 12] {
        rearrange!("b s (h d) -> b h s d", fc(x), h = 5)
    }
}

fn main() {}
