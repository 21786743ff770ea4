//! Second derivatives where a function is another formula on each side of a number: what the formula of the other side would
//! give there, infinite or NaN, has no part in them. The numbers are PyTorch's.

use rustorch::autograd::{GradOptions, grad};
use rustorch::{Result, Tensor};

/// The gradient of the sum of `f`'s gradient.
fn second(f: impl Fn(&Tensor) -> Result<Tensor>, at: &[f32]) -> Result<Vec<f32>> {
    let x = Tensor::from(at.to_vec()).requires_grad_(true)?;
    let recorded = GradOptions { create_graph: true, ..Default::default() };
    let first = grad(&[&f(&x)?.sum()], &[&x], &[None], recorded)?.remove(0).unwrap();
    if !first.requires_grad() {
        return Ok(vec![0.0; at.len()]);
    }
    let unused = GradOptions { allow_unused: true, ..Default::default() };
    let second = grad(&[&first.sum()], &[&x], &[None], unused)?.remove(0);
    second.map_or(Ok(vec![0.0; at.len()]), |second| second.to_vec())
}

#[test]
fn exponentials_that_overflow_where_they_are_not_selected() -> Result<()> {
    let at = [89.0, 1000.0, f32::INFINITY, f32::NEG_INFINITY, f32::MIN];
    assert_eq!(second(|x| Ok(x.elu(0.5)), &at)?, [0.0; 5]);
    assert_eq!(second(|x| x.celu(0.5), &at)?, [0.0; 5]);
    assert_eq!(second(|x| Ok(x.selu()), &at)?, [0.0; 5]);
    assert_eq!(second(|x| Ok(x.elu(0.5)), &[-1.0])?, [0.5 * (-1f32).exp()]);
    Ok(())
}

#[test]
fn signs_are_constant() -> Result<()> {
    assert_eq!(second(|x| x.sgn().mul(x), &[0.0, -0.0, 2.0, -3.0])?, [0.0; 4]);
    assert_eq!(second(|x| Ok(x.sgn()), &[f32::INFINITY, f32::MIN_POSITIVE, f32::MAX])?, [0.0; 3]);
    Ok(())
}

#[test]
fn logarithms_of_0() -> Result<()> {
    let times = |a: f32| move |b: &Tensor| Tensor::from([a]).xlogy(b);
    assert_eq!(second(times(2.0), &[0.0])?, [f32::NEG_INFINITY]);
    assert_eq!(second(times(2.0), &[4.0])?, [-0.125]);
    // Through both operands: the gradient of the first one is 0 where it is 0, whatever the other is.
    let both = |x: &Tensor| x.xlogy(&x.sub(1.0)?);
    assert_eq!(second(both, &[0.0])?, [-1.0]);
    Ok(())
}
