use rustorch::prelude::*;

fn main() {
    let _: TypedTensor<shape![2, 3]> = TypedTensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
}
