use rustorch::prelude::*;

dim!(Batch);

fn main() {
    let x = TypedTensor::<shape![Batch, 4]>::ones_sized(&[3], DType::F32).unwrap();
    let _: TypedTensor<shape![12]> = x.reshape();
}
