//! Hand-written generic code over typed tensors: const parameters and dims as type parameters.

use rustorch::prelude::*;

dim!(Batch, pub Seq);

struct Bias<const N: usize>(TypedTensor<shape![N]>);

impl<const N: usize> Bias<N> {
    fn forward<B: Dim>(&self, x: &TypedTensor<(B, Const<N>)>) -> TypedTensor<(B, Const<N>)> {
        x + &self.0
    }
}

fn twice<S: Shape>(x: &TypedTensor<S>) -> TypedTensor<S> {
    x + x
}

fn centre<B: Dim, const N: usize>(x: &TypedTensor<(B, Const<N>)>) -> TypedTensor<(B, Const<N>)> {
    x - x.sum_keep::<1>() / N as f64
}

fn main() {
    let x = Tensor::ones([2, 3]).typed::<shape![Batch, 3]>().unwrap();
    let y: TypedTensor<shape![Batch, 3]> = twice(&centre(&Bias(TypedTensor::ones()).forward(&x)));
    assert_eq!(y.to_vec::<f32>().unwrap(), [0.0; 6]);
}
