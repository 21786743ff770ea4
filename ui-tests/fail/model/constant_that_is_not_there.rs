//! Run-time dims as others write them are names of constants here. Of each that is not there, rustc says so once.

use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(C, 8),
    }
    forward(x: [B, T, C]) -> [B, T, 8] {
        fc(x)
    }
}

fn main() {}
