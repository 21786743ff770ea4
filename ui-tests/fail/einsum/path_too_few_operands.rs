use rustorch::prelude::*;

fn main() {
    let a = Tensor::randn([2, 3]);
    let _ = einsum_path!("ij,jk->ik", a);
}
