use rustorch::prelude::*;

fn main() {
    let a = Tensor::ones([2, 3]);
    let spec = "ij->i";
    let _ = einsum!(spec, a);
}
