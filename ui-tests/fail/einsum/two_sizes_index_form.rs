use rustorch::prelude::*;

fn main() {
    let a = TypedTensor::<shape![2, 3]>::ones();
    let b = TypedTensor::<shape![7, 4]>::ones();
    let _ = einsum!(product[row, column] = a[row, inner] * b[inner, column]);
}
