use rustorch::prelude::*;

model! {
    pub Net {
        attention: MultiheadAttention(64, 4, batch_first = true),
    }
    forward(x: [batch, seq, 64], memory: [batch, s, 64], mask: [seq, seq]) -> [batch, seq, 64] {
        let y = attention(x, memory, memory, attn_mask = mask);
        attention(y, key_padding_mask = mask, is_casual = true)
    }
}

fn main() {}
