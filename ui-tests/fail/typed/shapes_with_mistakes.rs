//! What is wrong with a shape is said once, and not of what uses it.

use rustorch::prelude::*;

dim!(Batch);

fn product(x: &TypedTensor<shape![batch, 3]>, w: &TypedTensor<shape![3, 4]>) -> TypedTensor<shape![Batch, -4]> {
    x.matmul(w)
}

struct Weights {
    large: TypedTensor<shape![1, 2, 3, 4, 5, 6, 7, 8, 9]>,
    unfinished: TypedTensor<shape![1 2]>,
}

fn main() -> rustorch::Result<()> {
    let x = Tensor::ones([2, 3]).typed::<shape![n, 3.0]>()?;
    let y: TypedTensor<shape![Batch, 3]> = x.relu() + 1.0;
    let w = Weights { large: y, unfinished: x };
    println!("{:?} {:?}", w.large.shape(), product(&x, &w.unfinished).shape());
    Ok(())
}
