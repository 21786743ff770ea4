use rustorch::prelude::*;

fn main() {
    let (a, b) = (TypedTensor::<shape![2, 3]>::ones(), TypedTensor::<shape![2, 4]>::ones());
    let _: TypedTensor<shape![2, 8]> = TypedTensor::cat::<1>((&a, &b));
}
