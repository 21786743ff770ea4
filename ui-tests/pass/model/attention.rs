//! Arithmetic over const parameters, and named run-time dims that cannot be mixed up.
use rustorch::prelude::*;

model! {
    pub Attention<const D: usize, const HEADS: usize> {
        qkv: Linear(D, 3 * D, bias = false),
        out: Linear(_, D),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let (q, k, v) = chunk(qkv(x), 3, -1);
        let q = reshape(q, [batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let k = reshape(k, [batch, seq, HEADS, _]).transpose(1, 2);
        let v: [batch, seq, HEADS, D / HEADS] = v.unflatten(-1, [HEADS, D / HEADS]);
        let weights = exp(matmul(q, transpose(k, -2, -1)) / (D as f64).sqrt());
        let h = matmul(weights / sum(weights, -1, keepdim = true), transpose(v, 1, 2));
        out(reshape(transpose(h, 1, 2), [batch, seq, D]))
    }
}

dim!(Batch, Seq);

fn main() -> rustorch::Result<()> {
    let model = Attention::<64, 4>::new();
    let x = Tensor::randn([2, 7, 64]).typed::<shape![Batch, Seq, 64]>()?;
    let y: TypedTensor<shape![Batch, Seq, 64]> = model.forward(&x);
    assert_eq!(y.shape(), [2, 7, 64]);
    Ok(())
}
