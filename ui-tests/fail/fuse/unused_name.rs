use rustorch::prelude::*;

fn main() {
    let (a, b) = (Tensor::randn([3]), Tensor::randn([3]));
    let _ = fuse!(|x, y| x.tanh(), &a, &b);
}
