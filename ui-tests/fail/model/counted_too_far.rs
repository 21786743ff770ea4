use rustorch::prelude::*;

model! {
    pub Net<const D: usize, const LAYERS: usize> {
        up: [Linear(D, D); LAYERS],
        down: [Linear(D, D); LAYERS],
        cell: GruCell(D, D),
    }
    forward(x: [batch, seq, D]) -> [batch, D] {
        let h = zeros_like(x[.., 0]);
        for t in 0..seq {
            h = cell(x[.., t + 1], h);
        }
        for i in 0..LAYERS {
            h = down[LAYERS - i](relu(up[i](h)));
        }
        h
    }
}

fn main() {}
