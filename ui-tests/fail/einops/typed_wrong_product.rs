use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 4, 16]>::ones();
    let _: TypedTensor<shape![2, 63]> = rearrange!("b h d -> b (h d)", x);
}
