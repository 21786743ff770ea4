use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let scale = 2.0;
    let _ = einsum!("ij,->ij", a, scale);
}
