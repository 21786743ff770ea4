use rustorch::prelude::*;

fn main() {
    let a = Tensor::randn([3]);
    let _ = fuse!(|x, y| x * y, &a);
}
