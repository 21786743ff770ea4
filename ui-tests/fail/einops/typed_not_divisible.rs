use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 10]>::ones();
    let _: TypedTensor<shape![2, 4, 2]> = rearrange!("b (h d) -> b h d", x, h = 4);
}
