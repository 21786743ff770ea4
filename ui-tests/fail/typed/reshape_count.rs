use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![64, 5, 5]>::ones();
    let _: TypedTensor<shape![1024]> = x.reshape();
}
