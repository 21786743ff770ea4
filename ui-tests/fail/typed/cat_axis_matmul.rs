use rustorch::prelude::*;

fn main() {
    let (a, b) = (TypedTensor::<shape![2, 3]>::ones(), TypedTensor::<shape![2, 4]>::zeros());
    let _ = a.cat_axis::<1, _>(&b).matmul(&TypedTensor::<shape![8, 5]>::ones());
}
