use rustorch::prelude::*;

dim!(Seq);

fn flat(x: &TypedTensor<shape![8, Seq, 64]>) {
    let _ = x.flatten_axis::<1>();
}

fn main() {}
