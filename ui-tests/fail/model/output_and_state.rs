use rustorch::prelude::*;

model! {
    pub Net {
        rnn: Gru(64, 32),
    }
    forward(x: [seq, batch, 64]) -> [seq, batch, 32] {
        rnn(x)
    }
}

fn main() {}
