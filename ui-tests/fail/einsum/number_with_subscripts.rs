use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let _ = einsum!("ij,j->ij", a, 2.0);
}
