use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![8, 64, 5, 5]>::ones();
    let weight = TypedTensor::<shape![10, 1024]>::ones();
    let _ = x.flatten_axis::<1>().linear(&weight, None);
}
