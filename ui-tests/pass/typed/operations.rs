use rustorch::prelude::*;

dim!(Batch);

fn head<const D: usize, const OUT: usize>(
    x: &TypedTensor<shape![Batch, D]>,
    weight: &TypedTensor<shape![OUT, D]>,
) -> TypedTensor<shape![Batch, OUT]> {
    let scale = x.square().mean_keep::<1>().add(1e-6).rsqrt();
    (x * scale).linear(weight, None)
}

fn main() -> rustorch::Result<()> {
    let images = Tensor::randn([2, 3, 8, 8]).typed::<shape![Batch, 3, 8, 8]>()?;
    let y: TypedTensor<shape![Batch, 4, 4, 4]> =
        conv2d!(images, TypedTensor::<shape![4, 3, 3, 3]>::randn(), stride = 2, padding = 1);
    let pooled: TypedTensor<shape![Batch, 4, 2, 2]> = avg_pool2d!(y.silu(), 2);
    let flat: TypedTensor<shape![Batch, 16]> = pooled.reshape();
    let logits = head(&flat, &TypedTensor::<shape![10, 16]>::randn());
    let (a, b): (TypedTensor<shape![Batch, 4]>, TypedTensor<shape![Batch, 6]>) = logits.split::<1, _>();
    let back: TypedTensor<shape![Batch, 10]> = TypedTensor::cat::<1>((&a, &b));
    assert_eq!(back.to_vec::<f32>()?, logits.to_vec::<f32>()?);
    Ok(())
}
