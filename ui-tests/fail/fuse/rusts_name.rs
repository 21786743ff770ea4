use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([3]);
    let _ = fuse!(|x| max(x, 0.0).ln(), &x);
}
