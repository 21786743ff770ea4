use rustorch::prelude::*;

model! {
    pub Net { attention: MultiheadAttention(_, 2) }
    forward(x: [seq, batch, 15]) -> [seq, batch, 15] { attention(x) }
}

fn main() {}
