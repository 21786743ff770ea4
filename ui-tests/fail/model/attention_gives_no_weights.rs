use rustorch::prelude::*;

model! {
    pub Net<const D: usize> {
        attn: MultiheadAttention(D, 4, batch_first = true),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        x + attn(x, x, x)[0]
    }

    pub Pair<const D: usize> {
        attn: MultiheadAttention(D, 4, batch_first = true),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let (y, _) = attn(x, x, x);
        x + y
    }
}

fn main() {}
