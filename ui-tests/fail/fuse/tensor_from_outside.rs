use rustorch::prelude::*;

fn main() {
    let (a, bias) = (Tensor::randn([3]), Tensor::randn([3]));
    let _ = fuse!(|x| x + bias, &a);
}
