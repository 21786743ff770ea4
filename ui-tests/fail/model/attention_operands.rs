use rustorch::prelude::*;

model! {
    pub Net {
        attention: MultiheadAttention(64, 5, batch_first = true),
        decoder: TransformerDecoderLayer(64, 4),
    }
    forward(x: [batch, seq, 64], memory: [s, batch, 32]) -> [batch, seq, 64] {
        let y = decoder(transpose(x, 0, 1), memory);
        attention(x, y)
    }
}

fn main() {}
