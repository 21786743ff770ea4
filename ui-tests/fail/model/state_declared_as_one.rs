use rustorch::prelude::*;

model! {
    Tagger<const D: usize> {
        lstm: Lstm(D, D),
    }
    forward(x: [seq, batch, D]) -> [seq, batch, D] {
        lstm(x)
    }
}

model! {
    Gated<const D: usize> {
        gru: Gru(D, D),
        blocks: [Linear(D, D); 3],
    }
    forward(x: [seq, batch, D]) -> [seq, batch, D] {
        for i in 0..self.blocks.len() {
            x = blocks[i](x);
        }
        self.grv(x)
    }
}

fn main() {}
