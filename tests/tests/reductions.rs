//! Reductions: derivatives against finite differences, and the values at the edges.

use rustorch::autograd::{gradcheck, gradgradcheck};
use rustorch::{DType, Result, Tensor};

type Function = fn(&Tensor) -> Result<Tensor>;

/// Numbers without ties, some negative, of shape `[2, 3, 4]` with strides that are not contiguous.
fn input() -> Result<Tensor> {
    let values: Vec<f64> =
        (0..24).map(|i| (f64::from(i) * 0.7 + 0.3).sin() * 2.0 + 0.01 * f64::from(i)).collect();
    Tensor::from_vec(values, [4, 3, 2])?.permute([2, 1, 0])?.requires_grad_(true)
}

const DIFFERENTIABLE: &[(&str, Function)] = &[
    ("sum", |x| Ok(x.sum())),
    ("sum_dim", |x| x.sum_dim([0, 2], true)),
    ("nansum_dim", |x| x.nansum_dim(1, false)),
    ("mean", |x| Ok(x.mean())),
    ("mean_dim", |x| x.mean_dim(-1, false)),
    ("nanmean", |x| Ok(x.nanmean())),
    ("prod", |x| x.prod_dim([1, 2], false)),
    ("prod of a zero", |x| x.sub(&input()?.detach().narrow(2, 0, 1)?)?.prod_dim(2, true)),
    ("max", |x| Ok(x.max())),
    ("min", |x| Ok(x.min())),
    ("max_dim", |x| Ok(x.max_dim(1, false)?.0)),
    ("min_dim", |x| Ok(x.min_dim(-1, true)?.0)),
    ("amax", |x| x.amax_dim([0, 1], false)),
    ("amin", |x| x.amin_dim(2, true)),
    ("var", |x| Ok(x.var())),
    ("var_dim", |x| x.var_dim([0, 2], 0.0, true)),
    ("std_dim", |x| x.std_dim(1, 1.0, false)),
    ("norm 1", |x| x.norm_dim(1.0, 1, false)),
    ("norm 2", |x| x.norm_dim(2.0, [0, 1], true)),
    ("norm 3", |x| x.norm_dim(3.0, (), false)),
    ("norm 1.5", |x| x.norm_dim(1.5, 2, false)),
    ("norm inf", |x| x.norm_dim(f64::INFINITY, 2, false)),
    ("dist", |x| x.dist(&input()?.detach().mul(0.5)?, 2.0)),
    ("logsumexp", |x| x.logsumexp([1, 2], false)),
    ("cumsum", |x| x.cumsum(1)),
    ("cumprod", |x| x.cumprod(-1)),
    ("cumprod of a zero", |x| x.sub(&input()?.detach().narrow(2, 1, 1)?)?.cumprod(2)),
    ("logcumsumexp", |x| x.logcumsumexp(2)),
];

#[test]
fn derivatives() -> Result<()> {
    for (name, function) in DIFFERENTIABLE {
        let x = input()?;
        let f = |inputs: &[Tensor]| function(&inputs[0]);
        gradcheck(f, &[&x], Default::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        gradgradcheck(f, &[&x], Default::default()).unwrap_or_else(|error| panic!("{name}, twice: {error}"));
    }
    Ok(())
}

#[test]
fn complex_derivatives() -> Result<()> {
    let x = input()?.detach().narrow(2, 0, 2)?.to_dtype(DType::Complex128);
    let turned = x.mul(num_complex::Complex::new(0.6, 0.8))?.detach().requires_grad_(true)?;
    let functions: &[(&str, Function)] = &[
        ("sum", |x| x.sum_dim(1, false)),
        ("mean", |x| Ok(x.mean())),
        ("prod", |x| x.prod_dim(2, false)),
        ("norm 2", |x| x.norm_dim(2.0, 1, false)),
        ("cumsum", |x| x.cumsum(0)),
        ("cumprod", |x| x.cumprod(2)),
    ];
    for (name, function) in functions {
        gradcheck(|inputs| function(&inputs[0]), &[&turned], Default::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    Ok(())
}

#[test]
fn ties_share_the_gradient_of_max_but_not_of_max_dim() -> Result<()> {
    let x = Tensor::from([[1.0f32, 3.0, 3.0]]).requires_grad_(true)?;
    x.max().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0, 0.5, 0.5]);
    x.set_grad(None)?;
    x.max_dim(1, false)?.0.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.0, 1.0, 0.0]);
    Ok(())
}

#[test]
fn empty_tensors() -> Result<()> {
    let x = Tensor::zeros([0, 3]);
    assert_eq!(x.sum().item::<f32>()?, 0.0);
    assert_eq!(x.prod_dim(0, false)?.to_vec::<f32>()?, [1.0, 1.0, 1.0]);
    assert!(x.mean().item::<f32>()?.is_nan());
    assert_eq!(x.logsumexp(0, false)?.to_vec::<f32>()?, [f32::NEG_INFINITY; 3]);
    assert!(!x.any().item::<bool>()? && x.all().item::<bool>()?);
    assert_eq!(x.amax_dim(1, false)?.shape(), [0]);
    assert_eq!(x.cumsum(0)?.shape(), [0, 3]);
    let error = x.amax_dim(0, false).unwrap_err().to_string();
    assert_eq!(error, "amax: axis 0 of [0, 3] is empty, and amax of nothing has no value");
    assert!(x.argmax(None, false).unwrap_err().to_string().contains("argmax of nothing"));
    Ok(())
}

#[test]
fn scalars_have_an_axis_zero() -> Result<()> {
    let x = Tensor::from_slice(&[2.0f64], [])?;
    assert_eq!(x.sum_dim(0, false)?.item::<f64>()?, 2.0);
    assert_eq!(x.max_dim(-1, true)?.1.item::<i64>()?, 0);
    assert_eq!(x.cumsum(0)?.item::<f64>()?, 2.0);
    assert!(x.var().item::<f64>()?.is_nan());
    assert!(x.sum_dim(1, false).is_err());
    Ok(())
}

#[test]
fn dtypes() -> Result<()> {
    let x = Tensor::full_with([300], 200, DType::U8);
    assert_eq!((x.sum().dtype(), x.sum().item::<i64>()?), (DType::I64, 60_000));
    assert_eq!(x.max().dtype(), DType::U8);
    let half = Tensor::full_with([70_000], 1.0, DType::F16);
    assert_eq!(half.mean().item::<f32>()?, 1.0);
    assert!(half.sum().item::<f32>()?.is_infinite());
    assert_eq!(Tensor::full_with([5], 2.0, DType::BF16).var().item::<f32>()?, 0.0);
    let complex = Tensor::ones_with([2], DType::Complex64);
    assert!(complex.amax_dim(0, false).unwrap_err().to_string().contains("amax: dtype complex64"));
    assert_eq!(complex.norm(2.0).dtype(), DType::F32);
    Ok(())
}

#[test]
fn infinities_and_nan() -> Result<()> {
    let inf = f64::INFINITY;
    let x = Tensor::from([[1.0, inf], [-inf, -inf], [f64::NAN, 2.0]]);
    let sums = x.logsumexp(1, false)?.to_vec::<f64>()?;
    assert!(sums[0] == inf && sums[1] == -inf && sums[2].is_nan());
    assert_eq!(x.nansum_dim(1, false)?.to_vec::<f64>()?, [inf, -inf, 2.0]);
    assert_eq!(x.argmin(1, false)?.to_vec::<i64>()?, [0, 0, 0]);
    let lows = Tensor::from([[-inf, -inf]]).requires_grad_(true)?;
    lows.logsumexp(1, false)?.sum().backward()?;
    assert_eq!(lows.grad().unwrap().to_vec::<f64>()?, [0.0, 0.0]);
    let zeros = Tensor::zeros([3]).requires_grad_(true)?;
    zeros.norm(2.0).backward()?;
    assert_eq!(zeros.grad().unwrap().to_vec::<f32>()?, [0.0; 3]);
    Ok(())
}

#[test]
fn the_position_in_a_large_tensor() -> Result<()> {
    let x = Tensor::zeros([3, 1000, 7]);
    x.narrow(0, 1, 1)?.narrow(1, 777, 1)?.narrow(2, 5, 1)?.fill_(1.0)?;
    assert_eq!(x.argmax(None, false)?.item::<i64>()?, 7000 + 777 * 7 + 5);
    assert_eq!(x.permute([2, 1, 0])?.argmax(None, false)?.item::<i64>()?, 5 * 3000 + 777 * 3 + 1);
    let (values, rows) = x.max_dim(1, false)?;
    assert_eq!((values.sum().item::<f32>()?, rows.sum().item::<i64>()?), (1.0, 777));
    Ok(())
}
