use rustorch::prelude::*;

fn main() {
    let _ = einsum!();
}
