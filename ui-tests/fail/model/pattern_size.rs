use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
    }
    forward(x: [batch, seq, 32]) -> [batch, seq, 8, 8] {
        let y = rearrange!("b s (h d) -> b s h d", fc(x), h = heads);
        rearrange(y, 8)
    }
}

fn main() {}
