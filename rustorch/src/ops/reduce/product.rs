//! Products.

use super::{Kind, Reduction};
use crate::autograd::{GradOptions, Grads, Saved, grad, record};
use crate::error::expect;
use crate::tensor::Axes;
use crate::{Result, Tensor, enable_grad, no_grad};

impl Tensor {
    /// The product of all elements (`torch.prod`). Integers and bools multiply to `I64`; the product of nothing is 1.
    ///
    /// # Panics
    /// If there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([2.0f32, 3.0, 4.0]).prod().item::<f32>()?, 24.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn prod(&self) -> Tensor {
        expect(self.prod_dim((), false))
    }

    /// The product over axes; with `keepdim` they stay, with size 1 (`torch.prod(dim=...)`).
    ///
    /// # Errors
    /// If there are no such axes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).prod_dim(0, false)?.to_vec::<i64>()?, [3, 8]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn prod_dim(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
        self.prod_along(axes.into_axes(), keepdim)
    }

    #[inline]
    fn prod_along(&self, axes: Option<Vec<isize>>, keepdim: bool) -> Result<Tensor> {
        let axes = axes.filter(|axes| !axes.is_empty());
        let whole = axes.is_none();
        let reduction = Reduction::new("prod", self, axes.unwrap_or_default())?;
        let output = reduction.run(Kind::Product, keepdim, 1.0)?;
        record("prod", &[&output], &[self], || {
            let (restore, input, product) =
                (reduction.restore(), Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, upstream) = (input.unpack(ctx)?, restore.keep(ctx.grad()?)?);
                if input.rank() == 0 {
                    return Ok(Grads::from_iter([Some(upstream)]));
                }
                if input.numel() == 0 {
                    return Ok(Grads::from_iter([Some(upstream.mul(&input)?)]));
                }
                let zeros = input.numel() as i64 - no_grad(|| input.count_nonzero().item::<i64>())?;
                // What holds for finite numbers can be differentiated again, also at zeros; for others it is as in PyTorch.
                let regular = ctx.create_graph() && no_grad(|| input.isfinite().all().item::<bool>())?;
                let slope = if zeros == 0 && !regular {
                    restore.keep(&product.unpack(ctx)?)?.div(&input)?
                } else if whole && zeros > 1 && !regular {
                    return Ok(Grads::from_iter([Some(input.zeros_like())]));
                } else {
                    // Where an element is 0, its gradient is not the product divided by it.
                    products_of_others(&input, &restore.axes)?
                };
                Ok(Grads::from_iter([Some(upstream.mul(&slope.conj())?)]))
            })
        });
        Ok(output)
    }
}

/// For each element the product of all others over the axes.
#[inline]
fn products_of_others(x: &Tensor, axes: &[isize]) -> Result<Tensor> {
    if let &[axis] = axes {
        return products_of_others_along(x, axis);
    }
    // Several axes as one, the last.
    let rest = (0..x.rank() as isize).filter(|axis| !axes.contains(axis));
    let order: Vec<isize> = rest.chain(axes.iter().copied()).collect();
    let permuted = x.permute(order.as_slice())?;
    let kept = x.rank() - axes.len();
    let mut shape = permuted.shape()[..kept].to_vec();
    shape.push(permuted.shape()[kept..].iter().product());
    let others = products_of_others_along(&permuted.reshape(shape)?, -1)?.reshape(permuted.shape())?;
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(from, &to)| back[to as usize] = from as isize);
    others.permute(back)
}

/// The product of what stands before each element times that of what stands behind.
#[inline]
fn products_of_others_along(x: &Tensor, axis: isize) -> Result<Tensor> {
    let others = x.size(axis)? - 1;
    let one = x.detach().narrow(axis, 0, 1)?.ones_like();
    let before = Tensor::cat(&[one.clone(), x.narrow(axis, 0, others)?], axis)?.cumprod(axis)?;
    let behind = Tensor::cat(&[one, x.narrow(axis, 1, others)?.flip([axis])?], axis)?.cumprod(axis)?;
    before.mul(&behind.flip([axis])?)
}

/// The gradient of `f` at `x` by differentiating `f`, which must be made of operations other than the caller's.
pub(super) fn differentiate(
    x: &Tensor,
    upstream: &Tensor,
    create_graph: bool,
    f: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let recorded = create_graph && x.requires_grad();
    let x = if recorded { x.clone() } else { x.detach().requires_grad_(true)? };
    let y = enable_grad(|| f(&x))?;
    let options = GradOptions { create_graph, ..Default::default() };
    let mut grads = grad(&[&y], &[&x], &[Some(upstream)], options)?;
    Ok(grads.remove(0).unwrap_or_else(|| x.zeros_like()))
}
