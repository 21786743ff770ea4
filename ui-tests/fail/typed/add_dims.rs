use rustorch::prelude::*;

dim!(Batch, Seq);

fn residual(x: &TypedTensor<shape![Batch, Seq, 64]>, y: &TypedTensor<shape![Seq, Batch, 64]>) {
    let _ = x + y;
}

fn main() {}
