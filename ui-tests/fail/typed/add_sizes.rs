use rustorch::prelude::*;

fn main() {
    let a = TypedTensor::<shape![2, 3]>::ones();
    let b = TypedTensor::<shape![2, 4]>::ones();
    let _ = a + b;
}
