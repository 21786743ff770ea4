//! Typed tensors compute what tensors do, in the shapes that their types say.

use rustorch::nn::functional as f;
use rustorch::prelude::*;
use rustorch::typed::AxisType;
use rustorch::{Result, Shape};

dim!(Batch, Seq);

fn same(found: &Tensor, expected: &Tensor) -> Result<()> {
    assert_eq!(found.shape(), expected.shape());
    assert_eq!(found.dtype(), expected.dtype());
    let wide = |tensor: &Tensor| tensor.to_dtype(DType::F64).to_vec::<f64>();
    assert_eq!(wide(found)?, wide(expected)?);
    Ok(())
}

fn batch() -> TypedTensor<shape![Batch, 3]> {
    Tensor::randn([4, 3]).typed().unwrap()
}

#[test]
fn arrays_bring_their_shape() -> Result<()> {
    let vector: TypedTensor<shape![3]> = TypedTensor::from([1i64, 2, 3]);
    let cube: TypedTensor<shape![1, 2, 3]> = TypedTensor::from([[[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]]);
    assert_eq!((vector.dtype(), cube.dtype()), (DType::I64, DType::F64));
    same(&cube, &Tensor::from([[[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]]))?;
    same(&TypedTensor::<shape![2, 2]>::eye(), &Tensor::eye(2))?;
    same(&TypedTensor::<shape![2, 2]>::full(7), &Tensor::full([2, 2], 7))
}

/// A few of the methods that the elementwise table makes, of each kind.
#[test]
fn methods_of_the_table_are_typed() -> Result<()> {
    let (x, row) = (batch(), TypedTensor::from([0.5f32, -1.0, 2.0]));
    let kept: TypedTensor<shape![Batch, 3]> = x.gelu().leaky_relu(0.1).softplus(1.0, 20.0);
    same(&kept, &x.as_tensor().gelu().leaky_relu(0.1).softplus(1.0, 20.0))?;
    let joined: TypedTensor<shape![Batch, 3]> = x.atan2(&row).pow(2.0).add(1).mul(&row);
    same(&joined, &x.as_tensor().atan2(row.as_tensor())?.pow(2.0)?.add(1)?.mul(row.as_tensor())?)?;
    let mask: TypedTensor<shape![Batch, 3]> = x.lt(&row).logical_or(&x.isnan());
    same(&mask, x.as_tensor().lt(row.as_tensor())?.as_ref())?;
    let chosen: TypedTensor<shape![Batch, 3]> = mask.choose(&row, &x.clamp(-1.0, 1.0));
    same(&chosen, &Tensor::where_(&mask, row.as_tensor(), &x.as_tensor().clamp(-1.0, 1.0)?)?)?;
    // With a plain tensor the result is one.
    let mixed: Result<Tensor> = x.add(row.as_tensor());
    same(&mixed?, &(&x + &row))?;
    let message = x.add(&Tensor::ones([7])).unwrap_err().to_string();
    assert!(message.contains('7') && message.contains('3'), "{message}");
    Ok(())
}

#[test]
fn along_an_axis() -> Result<()> {
    let x = batch();
    same(&x.cumsum::<0>(), &x.as_tensor().cumsum(0)?)?;
    same(&x.flip::<1>(), &x.as_tensor().flip(1)?)?;
    same(&x.log_softmax::<1>(), &x.as_tensor().log_softmax(1)?)?;
    let spread: TypedTensor<shape![Batch]> = x.std_axis::<1>(1.0);
    same(&spread, &x.as_tensor().std_dim(1, 1.0, false)?)?;
    let places: TypedTensor<shape![3]> = x.argmin_axis::<0>();
    same(&places, &x.as_tensor().argmin(0, false)?)?;
    let any: TypedTensor<(Batch, One)> = x.gt(0.0).any_keep::<1>();
    same(&any, &x.as_tensor().gt(0.0)?.any_dim(1, true)?)?;
    same(&x.max(), &x.as_tensor().max())?;
    same(&x.masked_fill(&any, 0.0), &x.as_tensor().masked_fill(&any, 0.0)?)
}

#[test]
fn joining_and_cutting() -> Result<()> {
    let (a, b) = (batch(), Tensor::randn([4, 5]).typed::<shape![Batch, 5]>()?);
    let three: TypedTensor<shape![Batch, 11]> = TypedTensor::cat::<1>((&a, &b, &a));
    same(&three, &Tensor::cat(&[a.as_tensor(), &b, &a], 1)?)?;
    let again: TypedTensor<shape![Batch, 9]> = TypedTensor::cat::<1>([&a, &a, &a]);
    same(&again, &Tensor::cat(&[a.as_tensor(), &a, &a], 1)?)?;
    // Along a run-time dim the sizes are added when it runs.
    let tall: TypedTensor<shape![Any, 3]> = TypedTensor::cat::<0>((&a, &TypedTensor::<shape![2, 3]>::ones()));
    assert_eq!(tall.shape(), [6, 3]);
    let stacked: TypedTensor<shape![Batch, 2, 3]> = TypedTensor::stack::<1, _>([&a, &a]);
    same(&stacked, &Tensor::stack(&[a.as_tensor(), &a], 1)?)?;
    type FirstAndRest = (TypedTensor<shape![1, 3]>, TypedTensor<shape![Any, 3]>);
    let (first, rest): FirstAndRest = tall.split::<0, _>();
    assert_eq!((first.shape(), rest.shape()), ([1, 3].as_slice(), [5, 3].as_slice()));
    let [left, right]: [TypedTensor<shape![Any, 3]>; 2] = tall.split::<0, _>();
    same(&Tensor::cat(&[left.as_tensor(), &right], 0)?, &tall)?;
    assert!(left.shares_storage(&tall), "parts are views");
    let middle: TypedTensor<shape![Batch, 2]> = b.narrow::<1, _>(3);
    same(&middle, &b.as_tensor().narrow(1, 3, 2)?)?;
    same(&b.select::<1>(2), &b.as_tensor().select(1, 2)?)
}

#[test]
fn what_does_not_add_up_at_run_time_panics_with_the_sizes() {
    let a = batch();
    let split = || -> [TypedTensor<shape![Any, 3]>; 3] { a.split::<0, _>() };
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(split)).map(|_| ()).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("axis 0 has size 4"), "{message}");
}

#[test]
fn windows_over_images() -> Result<()> {
    let x = Tensor::randn([2, 4, 9, 12]).typed::<shape![Batch, 4, 9, 12]>()?;
    let (w, b) = (TypedTensor::<shape![6, 2, 3, 3]>::randn(), TypedTensor::<shape![6]>::randn());
    const STEP: usize = 2;
    let y: TypedTensor<shape![Batch, 6, 5, 6]> = conv2d!(x, w, b, stride = STEP, padding = 1, groups = 2);
    let options = f::Conv2dOptions { stride: [2, 2], padding: 1.into(), groups: 2, ..Default::default() };
    same(&y, &f::conv2d(&x, &w, Some(&b), options)?)?;
    let pooled: TypedTensor<shape![Batch, 4, 4, 6]> = max_pool2d!(&x, 2);
    same(&pooled, &f::max_pool2d(&x, [2, 2], Default::default())?)?;
    let means: TypedTensor<shape![Batch, 4, 4, 5]> = avg_pool2d!(x, 3, stride = 2);
    let options = f::AvgPool2dOptions { stride: Some([2, 2]), ..Default::default() };
    same(&means, &f::avg_pool2d(&x, [3, 3], options)?)?;
    // Sizes known only at run time are checked when it runs.
    let wide = x.as_tensor().typed::<shape![Batch, 4, Any, Any]>()?;
    let any: TypedTensor<shape![Batch, 4, Any, Any]> = max_pool2d!(wide, 2);
    same(&any, &pooled)?;
    let features: TypedTensor<shape![Batch, 4]> = x.global_avg_pool2d();
    let weight = TypedTensor::<shape![10, 4]>::randn();
    let logits: TypedTensor<shape![Batch, 10]> = features.linear(&weight, None);
    same(&logits, &f::linear(&features, &weight, None)?)
}

#[test]
fn gradients_have_the_type_of_their_tensor() -> Result<()> {
    let w = TypedTensor::<shape![4, 2, 3, 3]>::randn().requires_grad_(true)?;
    let x = Tensor::randn([1, 2, 5, 5]).typed::<shape![Batch, 2, 5, 5]>()?;
    let y: TypedTensor<shape![Batch, 4, 5, 5]> = conv2d!(x, w, padding = 1);
    y.relu().sum().backward()?;
    let gradient: TypedTensor<shape![4, 2, 3, 3]> = w.grad().unwrap();
    assert!(gradient.abs().sum().item::<f32>()? > 0.0);
    Ok(())
}

#[test]
fn tensors_and_shapes_are_written_and_read() -> Result<()> {
    for dtype in DType::ALL {
        let tensor = Tensor::from([[0.0f64, 1.0], [2.0, 3.0]]).to_dtype(dtype);
        let text = serde_json::to_string(&tensor).unwrap();
        let read: Tensor = serde_json::from_str(&text).unwrap();
        assert_eq!(read.dtype(), dtype);
        let real = |tensor: Tensor| if dtype.is_complex() { tensor.view_as_real() } else { Ok(tensor) };
        same(&real(read)?, &real(tensor)?)?;
    }
    let typed = TypedTensor::from([[1.5f32, 2.0]]);
    let text = serde_json::to_string(&typed).unwrap();
    assert_eq!(text, r#"{"dtype":"float32","shape":[1,2],"data":{"float":[1.5,2.0]}}"#);
    let read: TypedTensor<shape![Batch, 2]> = serde_json::from_str(&text).unwrap();
    same(&read, &typed)?;
    let error = serde_json::from_str::<TypedTensor<shape![1, 3]>>(&text).unwrap_err().to_string();
    assert!(error.contains("axis 1 is 3 in (1, 3), not 2"), "{error}");
    let axes: &[AxisType] = <shape![Batch, 3] as Shape>::AXES;
    assert_eq!(
        serde_json::to_string(axes).unwrap(),
        r#"[{"size":null,"name":"Batch"},{"size":3,"name":""}]"#
    );
    Ok(())
}

#[test]
fn two_names_are_two_dims() -> Result<()> {
    let x = Tensor::ones([2, 3]).typed::<shape![Batch, Seq]>()?;
    let y: TypedTensor<shape![Seq, Batch]> = x.transpose::<0, 1>();
    assert_eq!(y.shape(), [3, 2]);
    Ok(())
}

#[test]
fn sizes_are_computed_from_the_image_to_the_scores() -> rustorch::Result<()> {
    let x = Tensor::randn([3, 2, 9, 8]).typed::<shape![Batch, 2, 9, 8]>()?;
    let kernel = TypedTensor::<shape![4, 2, 3, 3]>::randn();
    let y = conv2d!(x, kernel, stride = 2, padding = 1, size = _);
    let stated: TypedTensor<shape![Batch, 4, 5, 4]> = conv2d!(x, kernel, stride = 2, padding = 1);
    assert_eq!(y.to_vec::<f32>()?, stated.to_vec::<f32>()?);
    let pooled = avg_pool2d!(max_pool2d!(y, 2, size = _), 1, size = _);
    let flat = pooled.flatten_axis::<1>();
    assert_eq!(flat.shape(), [3, 16]);
    let both = flat.cat_axis::<1, _>(&flat);
    assert_eq!(both.shape(), [3, 32]);
    let named: TypedTensor<shape![Batch, 32]> = both.reshape();
    let weight = TypedTensor::<shape![32, 5]>::randn();
    let scores: TypedTensor<shape![Batch, 5]> = both.matmul(&weight);
    assert_eq!(scores.to_vec::<f32>()?, named.matmul(&weight).to_vec::<f32>()?);
    // A computed axis broadcasts against itself.
    let doubled = &flat + &flat;
    assert_eq!(doubled.shape(), [3, 16]);
    Ok(())
}
