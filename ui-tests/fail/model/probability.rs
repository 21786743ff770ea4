use rustorch::prelude::*;

model! {
    pub Net {
        drop: Dropout(1.5),
        rnn: Gru(64, 64, dropout = -0.1),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        drop(x)
    }
}

fn main() {}
