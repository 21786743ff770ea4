use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([2, 3]);
    let _ = rearrange!("batch time -> time bacth", x);
}
