use rustorch::prelude::*;

// Two const parameters are two sizes, even if a caller could choose them equal.
fn residual<const D: usize, const E: usize>(x: &TypedTensor<shape![D]>, y: &TypedTensor<shape![E]>) {
    let _ = x + y;
}

fn main() {}
