use rustorch::prelude::*;

fn main() {
    let _ = TypedTensor::<shape![2, 3]>::ones().squeeze::<1>();
}
