use rustorch::prelude::*;

fn main() {
    let _ = TypedTensor::<shape![2, 3, 4]>::ones().permute::<shape![1, 0]>();
}
