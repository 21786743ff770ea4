//! Every kind of operand, and expressions of any form.

use rustorch::prelude::*;
use std::sync::Arc;

dim!(Batch);

struct Layer {
    weight: Tensor,
}

fn typed<B: Dim, const D: usize>(x: &TypedTensor<(B, Const<D>)>, w: &TypedTensor<shape![D, 4]>) -> TypedTensor<(B, Const<4>)> {
    einsum!("bd,do->bo", x, w)
}

fn main() -> rustorch::Result<()> {
    let layer = Layer { weight: Tensor::ones([3, 4]) };
    let x = Tensor::ones([2, 3]);
    let y = einsum!("bi,io->bo", &x, layer.weight)?;
    let z = einsum!(y[b, o] = (&x + 1.0)[b, i] * layer.weight.t()?[o, i])?;
    let shared = Arc::new(y);
    let list = [z];
    let scalar: Tensor = einsum!(s[] = shared[b, o] * list[0][b, o])?;
    assert_eq!(scalar.item::<f32>()?, 2.0 * 4.0 * 3.0 * 6.0);

    let x = x.typed::<shape![Batch, 3]>()?;
    let out: TypedTensor<shape![Batch, 4]> = typed(&x, &TypedTensor::ones());
    let outer: TypedTensor<shape![Batch, 3, 4]> = einsum!(joint[.., r#in, r#type] = x[.., r#in] * layer.weight.typed::<shape![3, 4]>()?[r#in, r#type]);
    assert_eq!((out.shape(), outer.shape()), (&[2, 4][..], &[2, 3, 4][..]));
    let nine = Tensor::ones([1; 9]);
    assert_eq!(einsum!("abcdefghi->ia", nine)?.shape(), [1, 1]);
    Ok(())
}
