use rustorch::prelude::*;

model! {
    pub Net { lstm: Lstm(8, 4, batch_first = true) }
    forward(x: [batch, seq, 8]) -> [batch, seq, 4] {
        let noise = Tensor::randn([8]);
        let (y, _) = lstm(pack_padded_sequence(x + noise));
        pad_packed_sequence(y)
    }
}

fn main() {}
