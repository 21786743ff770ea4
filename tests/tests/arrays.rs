//! Arrays of the crate `ndarray` to tensors and back, whatever their layout.

use ndarray::{Array, Array0, Array2, Array3, ArrayD, Axis, ShapeBuilder, s};
use rustorch::{Result, Tensor};

fn counting() -> Array3<i64> {
    Array::from_shape_vec((2, 3, 4), (0..24).collect()).unwrap()
}

#[test]
fn arrays_of_any_layout() -> Result<()> {
    let array = counting();
    let check = |view: ndarray::ArrayViewD<'_, i64>| -> Result<()> {
        let tensor = Tensor::from(&view);
        assert_eq!(tensor.shape(), view.shape());
        assert_eq!(tensor.to_vec::<i64>()?, view.iter().copied().collect::<Vec<_>>());
        assert_eq!(ArrayD::<i64>::try_from(&tensor)?, view);
        Ok(())
    };
    check(array.view().into_dyn())?;
    check(array.t().into_dyn())?;
    check(array.slice(s![.., ..;-1, 1..;2]).into_dyn())?;
    check(array.slice(s![1, 1..1, ..]).into_dyn())?;
    check(array.index_axis(Axis(1), 2).into_dyn())?;
    check(array.index_axis(Axis(0), 0).insert_axis(Axis(1)).broadcast((2, 3, 3, 4)).unwrap().into_dyn())?;
    check(Array2::<i64>::zeros((0, 3)).view().into_dyn())?;
    check(Array0::from_elem((), 7i64).view().into_dyn())?;
    let columns = Array2::from_shape_vec((2, 3).f(), vec![1i64, 4, 2, 5, 3, 6]).unwrap();
    assert_eq!(Tensor::from(columns).to_vec::<i64>()?, [1, 2, 3, 4, 5, 6]);
    assert_eq!(Tensor::from(array.into_shared()).shape(), [2, 3, 4]);
    Ok(())
}

#[test]
fn tensors_of_any_layout() -> Result<()> {
    let tensor = Tensor::arange(0, 24, 1)?.reshape([2, 3, 4])?;
    let views = [
        tensor.permute([2, 0, 1])?,
        tensor.slice(2, 1, 4, 2)?,
        tensor.select(1, 2)?.unsqueeze(0)?.expand([3, 2, 4])?,
        tensor.narrow(0, 1, 0)?,
        tensor.sum(),
    ];
    for view in views {
        let array = ArrayD::<i64>::try_from(&view)?;
        assert_eq!(array.shape(), view.shape());
        assert_eq!(array.iter().copied().collect::<Vec<_>>(), view.to_vec::<i64>()?);
    }
    let error = ArrayD::<f32>::try_from(&tensor).unwrap_err().to_string();
    assert_eq!(error, "to_vec: the tensor is int64, not float32; convert with `to_dtype`");
    Ok(())
}
