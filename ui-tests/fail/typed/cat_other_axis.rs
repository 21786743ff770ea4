use rustorch::prelude::*;

fn main() {
    let (a, b) = (TypedTensor::<shape![2, 3]>::ones(), TypedTensor::<shape![5, 4]>::ones());
    let _: TypedTensor<shape![2, 7]> = TypedTensor::cat::<1>((&a, &b));
}
