//! Shapes are inferred through layout operations, and may be written down.

use rustorch::prelude::*;

dim!(Batch, Seq);

const HEADS: usize = 4;

fn main() {
    let x = Tensor::ones([2, 5, 32]).typed::<shape![Batch, Seq, 32]>().unwrap();
    let heads: TypedTensor<shape![Batch, Seq, HEADS, 32 / HEADS]> = x.reshape();
    let heads: TypedTensor<shape![Batch, HEADS, Seq, 8]> = heads.transpose::<1, 2>();
    let back: TypedTensor<shape![Batch, Seq, 32]> = heads.permute::<shape![0, 2, 1, 3]>().reshape();
    let sum = (back + x).sum_axis::<2>().sum_axis::<0>();
    let row: TypedTensor<(One, Seq)> = sum.unsqueeze::<0>();
    let again: TypedTensor<(Seq,)> = row.squeeze::<0>();
    assert_eq!(again.to_vec::<f32>().unwrap(), [128.0; 5]);
    let any: TypedTensor<shape![Any, Any]> = row.typed().unwrap();
    assert_eq!(any.shape(), [1, 5]);
}
