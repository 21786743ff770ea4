//! Numbers with a name, and assignments that compute.
use rustorch::prelude::*;

model! {
    pub Net<const D: usize, const HEADS: usize> {
        qkv: Linear(D, 3 * D),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let width = D / HEADS;
        let scale = 1.0 / (width as f64).sqrt();
        let half = if D > 64 { 0.5 } else { 1.0 };
        let (q, k, v) = chunk(qkv(x), 3, -1);
        let q = transpose(reshape(q, [batch, seq, HEADS, width]), 1, 2);
        let k = transpose(reshape(k, [batch, seq, HEADS, width]), 1, 2);
        let v = transpose(reshape(v, [batch, seq, HEADS, width]), 1, 2);
        let a = softmax(matmul(q, transpose(k, -2, -1)) * scale, -1);
        let y = reshape(transpose(matmul(a, v), 1, 2), [batch, seq, D]);
        y *= half;
        y += x;
        let deep = HEADS > 1;
        if deep {
            y -= mean(y, -1, keepdim = true);
        }
        dropout(y, half / 5.0)
    }
}

fn main() -> rustorch::Result<()> {
    let net = Net::<32, 4>::new();
    net.eval();
    let x = Tensor::randn([2, 5, 32]).typed::<shape![Any, Any, 32]>()?;
    let y = net.forward(&x);
    assert_eq!(y.shape(), [2, 5, 32]);
    let once = Net::<128, 1>::new();
    once.eval();
    let x = Tensor::randn([2, 5, 128]).typed::<shape![Any, Any, 128]>()?;
    assert_eq!(once.forward(&x).shape(), [2, 5, 128]);
    Ok(())
}
