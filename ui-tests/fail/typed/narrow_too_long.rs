use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 8]>::zeros();
    let y: TypedTensor<shape![2, 9]> = x.narrow::<1, _>(0);
    drop(y);
}
