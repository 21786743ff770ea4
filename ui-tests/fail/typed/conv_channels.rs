use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![8, 3, 32, 32]>::ones();
    let w = TypedTensor::<shape![16, 4, 3, 3]>::ones();
    let _: TypedTensor<shape![8, 16, 30, 30]> = conv2d!(x, w);
}
