use rustorch::prelude::*;

fn main() {
    let a = TypedTensor::<shape![2, 3]>::ones();
    let b = TypedTensor::<shape![3, 4]>::ones();
    let _: TypedTensor<shape![4, 2]> = einsum!("ij,jk->ik", a, b);
}
