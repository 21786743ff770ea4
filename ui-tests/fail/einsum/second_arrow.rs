use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let _ = einsum!("ij->i->j", a);
}
