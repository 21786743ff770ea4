use rustorch::prelude::*;

fn main() {
    let _ = Tensor::ones([2, 3]).typed::<shape![1, 2, 3, 4, 5, 6, 7, 8, 9]>();
}
