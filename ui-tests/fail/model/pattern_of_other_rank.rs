use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
    }
    forward(x: [batch, seq, 32]) -> [batch, 8, 8] {
        rearrange!("b (h d) -> b h d", fc(x), h = 8)
    }
}

fn main() {}
