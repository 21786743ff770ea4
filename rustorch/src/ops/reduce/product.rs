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
        let reduction = Reduction::new("prod", self, axes)?;
        let output = reduction.run(Kind::Product, keepdim, 1.0)?;
        record("prod", &[&output], &[self], || {
            let (restore, input, product) =
                (reduction.restore(), Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, upstream) = (input.unpack(ctx)?, restore.keep(ctx.grad()?)?);
                let divisible =
                    input.numel() == 0 || !ctx.create_graph() && no_grad(|| input.all().item::<bool>())?;
                let grad = if divisible {
                    let product = restore.keep(&product.unpack(ctx)?)?;
                    upstream.mul(&product.conj())?.div(&input.conj())?
                } else {
                    // Where an element is 0, its gradient is not the product divided by it.
                    differentiate(&input, &upstream, ctx.create_graph(), |x| tree(x, &restore.axes))?
                };
                Ok(Grads::from_iter([Some(grad)]))
            })
        });
        Ok(output)
    }
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

/// The product over axes, which stay, by multiplying halves.
fn tree(x: &Tensor, axes: &[isize]) -> Result<Tensor> {
    let mut y = x.mul(1.0)?;
    for &axis in axes {
        let (mut n, mut odd) = (y.size(axis)?, None::<Tensor>);
        while n > 1 {
            if n % 2 == 1 {
                let last = y.narrow(axis, n - 1, 1)?;
                odd = Some(odd.map_or_else(|| Ok(last.clone()), |odd| odd.mul(&last))?);
            }
            n /= 2;
            y = y.narrow(axis, 0, n)?.mul(&y.narrow(axis, n, n)?)?;
        }
        if let Some(odd) = odd {
            y = y.mul(&odd)?;
        }
    }
    Ok(y)
}
