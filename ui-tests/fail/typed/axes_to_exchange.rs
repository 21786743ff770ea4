use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 3]>::zeros();
    let y = x.transpose::<0, 2>();
}
