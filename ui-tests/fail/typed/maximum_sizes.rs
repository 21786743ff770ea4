use rustorch::prelude::*;

fn main() {
    let a = TypedTensor::<shape![4, 3]>::ones();
    let b = TypedTensor::<shape![7]>::ones();
    let _ = a.maximum(&b);
}
