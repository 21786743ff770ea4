use rustorch::prelude::*;

dim!(Batch);

fn layer(x: &TypedTensor<shape![Batch, 784]>, w: &TypedTensor<shape![512, 10]>) {
    let _ = x.matmul(w);
}

fn main() {}
