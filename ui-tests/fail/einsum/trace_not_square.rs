use rustorch::prelude::*;

fn main() {
    let _ = einsum!("ii->", TypedTensor::<shape![3, 4]>::ones());
}
