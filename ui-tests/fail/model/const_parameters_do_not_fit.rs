use rustorch::prelude::*;

model! {
    pub Net<const D: usize, const HEADS: usize> {
        fc: Linear(_, 3 * D),
    }
    forward(x: [batch, seq, D]) -> [batch, HEADS, seq, D] {
        let (q, k, v) = chunk(fc(x), 3, -1);
        let h = reshape(q * k + v, [batch, seq, HEADS, D / HEADS]);
        let y = transpose(h, 1, 2);
        cat([y, y, y, y], -1)
    }
}

fn main() {
    let _ = Net::<64, 4>::new();
    let _ = Net::<66, 4>::new();
}
