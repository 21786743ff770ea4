use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([2, 12]);
    let _ = rearrange!("b (t -> t b", x);
}
