use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 3, 32, 32]>::ones();
    let kernel = TypedTensor::<shape![4, 3, 5, 5]>::ones();
    let y = max_pool2d!(conv2d!(x, kernel, size = _), 2, size = _);
    let _ = y.flatten_axis::<1>().linear(&TypedTensor::<shape![10, 400]>::ones(), None);
}
