use rustorch::prelude::*;

fn main() {
    let q = Tensor::ones([2, 3, 4]);
    let k = Tensor::ones([2, 5, 4]);
    let _ = einsum!(scores[batch, query, keys] = q[batch, query, d] * k[batch, key, d]);
}
