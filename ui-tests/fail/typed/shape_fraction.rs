use rustorch::prelude::*;

fn main() {
    let _ = Tensor::ones([2, 3]).typed::<shape![2.5, 3]>();
}
