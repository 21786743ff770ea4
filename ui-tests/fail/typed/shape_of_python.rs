use rustorch::prelude::*;

fn main() {
    let _ = Tensor::ones([2, 3]).typed::<shape![None, 3]>();
    let _ = Tensor::ones([2, 3]).typed::<shape![batch_size, 3]>();
    let _ = Tensor::ones([2, 3]).typed::<shape![-1, 3]>();
}
