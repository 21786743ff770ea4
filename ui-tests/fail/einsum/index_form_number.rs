use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let _ = einsum!(c[i] = a[i, 0]);
}
