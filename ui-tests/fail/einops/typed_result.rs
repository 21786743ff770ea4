use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 3]>::ones();
    let _: TypedTensor<shape![2, 3]> = rearrange!("a b -> b a", x);
}
