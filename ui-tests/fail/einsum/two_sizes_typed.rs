use rustorch::prelude::*;

dim!(Batch);

fn main() {
    let a = TypedTensor::<shape![2, 3]>::ones();
    let b = TypedTensor::<shape![7, 4]>::ones();
    let _ = einsum!("ij,jk->ik", a, b);
}
