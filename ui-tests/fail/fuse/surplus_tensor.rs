use rustorch::prelude::*;

fn main() {
    let (a, b) = (Tensor::randn([3]), Tensor::randn([3]));
    let _ = fuse!(|x| x * 2.0, &a, &b);
}
