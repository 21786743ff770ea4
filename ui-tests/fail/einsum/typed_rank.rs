use rustorch::prelude::*;

fn main() {
    let a = TypedTensor::<shape![2, 3, 4]>::ones();
    let b = TypedTensor::<shape![3, 4]>::ones();
    let _ = einsum!("ij,jk->ik", a, b);
}
