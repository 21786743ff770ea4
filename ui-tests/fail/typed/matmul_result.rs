use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![32, 784]>::ones();
    let w = TypedTensor::<shape![784, 10]>::ones();
    let _: TypedTensor<shape![32, 100]> = x.matmul(&w);
}
