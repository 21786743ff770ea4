use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![1, 3, 8, 8]>::ones();
    let kernel = TypedTensor::<shape![4, 3, 9, 9]>::ones();
    let y = conv2d!(x, kernel, size = _);
    let _ = max_pool2d!(y, 2, size = 4);
}
