use rustorch::prelude::*;

fn main() {
    let x = Tensor::randn([2, 12]);
    let _ = reduce!("b t -> b", x, "average");
    let _ = reduce!("b t -> b", x, "maen");
}
