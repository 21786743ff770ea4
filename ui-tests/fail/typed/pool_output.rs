use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![8, 3, 32, 32]>::ones();
    let _: TypedTensor<shape![8, 3, 15, 16]> = max_pool2d!(x, 2);
}
