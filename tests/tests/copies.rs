//! Copies between layouts, against a plain loop over indices.

use rustorch::{DType, Result, Tensor};

#[test]
fn transposing_copies_of_every_size() -> Result<()> {
    for dtype in [DType::U8, DType::F16, DType::F32, DType::F64, DType::Complex128] {
        for shape in [[3, 9, 70], [2, 64, 129], [1, 100, 8], [4, 7, 33]] {
            let [batch, rows, columns] = shape;
            let numel = batch * rows * columns;
            let x = Tensor::arange(0, numel as i64, 1)?.remainder(251)?.to_dtype(dtype).reshape(shape)?;
            let copy = x.transpose(1, 2)?.contiguous();
            assert!(copy.is_contiguous());
            let values = copy.to_dtype(DType::F64).to_vec::<f64>()?;
            for (at, value) in values.into_iter().enumerate() {
                let (b, c, r) = (at / (rows * columns), at / rows % columns, at % rows);
                assert_eq!(
                    value,
                    ((b * rows * columns + r * columns + c) % 251) as f64,
                    "{dtype} {shape:?} at {at}"
                );
            }
        }
    }
    // Into a part of a larger tensor, from a part of one.
    let target = Tensor::zeros([20, 40]);
    let source = Tensor::arange(0, 600, 1)?.reshape([30, 20])?.to_dtype(DType::F32).narrow(1, 2, 16)?;
    target.narrow(0, 2, 16)?.narrow(1, 5, 30)?.copy_(&source.t()?)?;
    let part = target.narrow(0, 2, 16)?.narrow(1, 5, 30)?;
    assert!(part.equal(&source.t()?)?);
    assert_eq!(target.sum().item::<f32>()?, source.sum().item::<f32>()?);
    Ok(())
}
