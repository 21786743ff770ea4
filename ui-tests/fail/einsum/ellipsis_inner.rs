use rustorch::prelude::*;

fn main() {
    let a = TypedTensor::<shape![8, 2, 3]>::ones();
    let b = TypedTensor::<shape![5, 4]>::ones();
    let _ = einsum!("...ij,jk->...ik", a, b);
}
