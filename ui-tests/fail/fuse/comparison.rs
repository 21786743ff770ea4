use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([3]);
    let _ = fuse!(|x| x > 0.0, &x);
}
