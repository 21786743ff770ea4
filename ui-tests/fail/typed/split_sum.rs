use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 12]>::ones();
    let [_, _, _]: [TypedTensor<shape![2, 5]>; 3] = x.split::<1, _>();
}
