use rustorch::prelude::*;

dim!(Batch);

struct Options {
    slope: f32,
}

fn activation<const D: usize>(
    x: &TypedTensor<shape![Batch, D]>,
    bias: &TypedTensor<shape![D]>,
    options: &Options,
) -> TypedTensor<shape![Batch, D]> {
    fuse!(|x, b| {
        let shifted = x + b;
        if shifted > 0.0 { shifted } else { options.slope * shifted }
    }, x, bias)
}

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([2, 3]).typed::<shape![Batch, 3]>()?;
    let bias = TypedTensor::<shape![3]>::zeros();
    assert_eq!(activation(&x, &bias, &Options { slope: 0.5 }).shape(), [2, 3]);
    let steps = 3usize;
    let scaled = fuse!(|x| (steps * x).gelu() + std::f64::consts::PI, x.as_tensor())?;
    assert_eq!(scaled.shape(), [2, 3]);
    Ok(())
}
