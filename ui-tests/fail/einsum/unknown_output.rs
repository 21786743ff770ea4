use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let b = Tensor::ones([3, 4]);
    let _ = einsum!("ij,jk->iz", a, b);
}
