//! `einsum!` in both forms inside a model, whose result is checked like any other.
use rustorch::prelude::*;

model! {
    pub Scores<const D: usize> {
        q: Linear(_, D),
        k: Linear(_, D),
    }
    forward(x: [batch, seq, 12]) -> [batch, seq, seq] {
        let q = q(x);
        let k = k(x);
        let scores = einsum!("bqd,bkd->bqk", q, k);
        tanh(scores * (1.0 / (D as f64).sqrt())) + einsum!(s[b, q, k] = q[b, q, d] * k[b, k, d])
    }
}

dim!(Batch, Seq);

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([2, 6, 12]).typed::<shape![Batch, Seq, 12]>()?;
    assert_eq!(Scores::<4>::new().forward(&x).shape(), [2, 6, 6]);
    Ok(())
}
