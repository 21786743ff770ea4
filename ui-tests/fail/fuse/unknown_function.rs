use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([3]);
    let _ = fuse!(|x| (2.0 * x).sigmiod(), &x);
}
