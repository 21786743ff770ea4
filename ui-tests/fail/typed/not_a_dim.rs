use rustorch::prelude::*;

struct Batch;

fn main() {
    let _ = Tensor::ones([2, 3]).typed::<shape![Batch, 3]>();
}
