use rustorch::prelude::*;

dim!(Batch, Seq);

fn scores(q: &TypedTensor<shape![Batch, Seq, 64]>, k: &TypedTensor<shape![Seq, Batch, 64]>) {
    let _ = einsum!("bqd,bkd->bqk", q, k);
}

fn main() {}
