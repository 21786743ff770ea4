use rustorch::prelude::*;

dim!(Batch, Seq);

fn attend(x: &TypedTensor<shape![Batch, Seq, 64]>) -> &TypedTensor<shape![Batch, Seq, 64]> {
    x
}

fn swapped(x: &TypedTensor<shape![Seq, Batch, 64]>) {
    attend(x);
}

fn main() {}
