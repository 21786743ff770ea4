use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([2, 12]);
    let _ = repeat!("h w -> h (w r)", x);
}
