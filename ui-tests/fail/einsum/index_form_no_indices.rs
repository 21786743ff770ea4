use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let scale = Tensor::ones([]);
    let _ = einsum!(c[i] = a[i, j] * scale);
}
