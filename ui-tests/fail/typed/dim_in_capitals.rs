use rustorch::prelude::*;

dim!(N);

fn main() {
    let _ = Tensor::ones([2, 3]).typed::<shape![N, 3]>();
}
