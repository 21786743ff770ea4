use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 3]>::ones();
    let _ = rearrange!("a b c -> c b a", x);
}
