use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([3]);
    let _ = fuse!(|x| if x > 0.0 { x.sqrrt() } else { x % 2.0 }, &x);
}
