//! Running sums and products along an axis.

use super::product::differentiate;
use super::require_cpu;
use crate::autograd::{Grads, Saved, record};
use crate::dtype::dispatch;
use crate::kernels::reduce::{self as kernels, Axis, Plan};
use crate::{DType, Error, Result, Tensor, no_grad};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sum,
    Product,
    LogSumExp,
}

impl Tensor {
    /// The sums `x₀ + … + xᵢ` along an axis (`torch.cumsum`). Integers and bools sum to `I64`.
    ///
    /// # Errors
    /// If there is no such axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, 2.0, 3.0]).cumsum(0)?.to_vec::<f32>()?, [1.0, 3.0, 6.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn cumsum(&self, axis: isize) -> Result<Tensor> {
        self.running_sum(axis, false)
    }

    /// [`Tensor::cumsum`] in place; the sums of integers and bools are brought to their dtype.
    ///
    /// # Errors
    /// As there; also for leaves that require gradients.
    pub fn cumsum_(&self, axis: isize) -> Result<Tensor> {
        self.replace("cumsum_", |x| Ok(x.cumsum(axis)?.to_dtype(self.dtype())))
    }

    /// The products `x₀ · … · xᵢ` along an axis (`torch.cumprod`). Integers and bools multiply to `I64`.
    ///
    /// # Errors
    /// If there is no such axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([2.0f32, 3.0, 4.0]).cumprod(0)?.to_vec::<f32>()?, [2.0, 6.0, 24.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn cumprod(&self, axis: isize) -> Result<Tensor> {
        let output = self.run_scan("cumprod", Kind::Product, axis, false)?;
        record("cumprod", &[&output], &[self], || {
            let (input, product) = (Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                let (input, upstream) = (input.unpack(ctx)?, ctx.grad()?);
                let grad = if input.rank() == 0 || input.size(axis)? == 1 {
                    upstream.clone()
                } else if ctx.create_graph() && no_grad(|| input.isfinite().all().item::<bool>())? {
                    differentiate(&input, upstream, true, |x| doubling_products(x, axis))?
                } else {
                    running_product_gradient(&input, &product.unpack(ctx)?, upstream, axis)?
                };
                Ok(Grads::from_iter([Some(grad)]))
            })
        });
        Ok(output)
    }

    /// [`Tensor::cumprod`] in place; the products of integers and bools are brought to their dtype.
    ///
    /// # Errors
    /// As there; also for leaves that require gradients.
    pub fn cumprod_(&self, axis: isize) -> Result<Tensor> {
        self.replace("cumprod_", |x| Ok(x.cumprod(axis)?.to_dtype(self.dtype())))
    }

    /// `log(exp x₀ + … + exp xᵢ)` along an axis, without overflow (`torch.logcumsumexp`).
    ///
    /// # Errors
    /// If there is no such axis, or the dtype is neither a floating-point type nor complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let y = Tensor::from([0.0f32, 0.0, 0.0]).logcumsumexp(0)?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 0.6931472, 1.0986123]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn logcumsumexp(&self, axis: isize) -> Result<Tensor> {
        if self.dtype().is_complex() {
            return doubling_log_sums(self, self.axis("logcumsumexp", axis)? as isize);
        }
        self.running_log_sum(axis, false)
    }

    /// [`Tensor::cumsum`], from the end if `reverse`.
    #[inline]
    fn running_sum(&self, axis: isize, reverse: bool) -> Result<Tensor> {
        let output = self.run_scan("cumsum", Kind::Sum, axis, reverse)?;
        record("cumsum", &[&output], &[self], || {
            Box::new(move |ctx| Ok(Grads::from_iter([Some(ctx.grad()?.running_sum(axis, !reverse)?)])))
        });
        Ok(output)
    }

    /// [`Tensor::logcumsumexp`], from the end if `reverse`.
    #[inline]
    fn running_log_sum(&self, axis: isize, reverse: bool) -> Result<Tensor> {
        let output = self.run_scan("logcumsumexp", Kind::LogSumExp, axis, reverse)?;
        record("logcumsumexp", &[&output], &[self], || {
            let (input, value) = (Saved::input(self), Saved::output(&output, 0));
            Box::new(move |ctx| {
                // dxⱼ = Σ gᵢ exp(xⱼ - yᵢ) over i ≥ j; positive and negative gradients go through logarithms apart.
                let (input, value, grad) = (input.unpack(ctx)?, value.unpack(ctx)?, ctx.grad()?);
                // What was summed from nothing but exp(-∞) has no gradient.
                let nothing = no_grad(|| value.isneginf());
                let value = Tensor::where_(&nothing, 0.0, &value)?;
                let part = |grad: &Tensor| -> Result<Tensor> {
                    let none = no_grad(|| grad.le(0.0)?.logical_or(&nothing))?;
                    let log =
                        Tensor::where_(&none, f64::NEG_INFINITY, &Tensor::where_(&none, 1.0, grad)?.log())?;
                    log.sub(&value)?.running_log_sum(axis, !reverse)?.add(&input).map(|sum| sum.exp())
                };
                Ok(Grads::from_iter([Some(part(grad)?.sub(&part(&grad.neg())?)?)]))
            })
        });
        Ok(output)
    }

    /// Runs a scan, unseen by autograd.
    #[inline]
    fn run_scan(&self, op: &'static str, kind: Kind, axis: isize, reverse: bool) -> Result<Tensor> {
        let at = self.axis(op, axis)?;
        require_cpu(op, self)?;
        let dtype = if self.dtype().is_differentiable() { self.dtype() } else { DType::I64 };
        if kind == Kind::LogSumExp && !self.dtype().is_float() {
            return Err(Error::DType {
                op,
                dtype: self.dtype(),
                expected: "a floating-point or complex dtype",
            });
        }
        let output = Tensor::uninit(self.shape(), dtype, self.device())?;
        let (along, across) = if self.rank() == 0 {
            (Axis { size: 1, input: 0, output: 0 }, Default::default())
        } else {
            Plan::scan_axes(self.shape(), self.strides(), at)
        };
        let _guard = self.storage().read();
        let (from, to) = (self.host_ptr().cast_const(), output.host_ptr());
        let kernel: unsafe fn(Axis, &[Axis], bool, *const u8, *mut u8) = match kind {
            Kind::Sum => dispatch!(number self.dtype(), T => kernels::scan::<kernels::CumulativeSum, T>),
            Kind::Product => {
                dispatch!(number self.dtype(), T => kernels::scan::<kernels::CumulativeProduct, T>)
            }
            Kind::LogSumExp => {
                dispatch!(floating self.dtype(), op, T => kernels::scan::<kernels::LogCumulativeSumExp, T>)
            }
        };
        // SAFETY: the input is locked, the output is ours alone and of the same shape.
        unsafe { kernel(along, &across, reverse, from, to) };
        Ok(output)
    }
}

/// The gradient of running products, where there are zeros as PyTorch has it: what stands before the first zero has the
/// gradient of what stands there, the zero itself that of the products up to the next, and what follows has none.
#[inline]
fn running_product_gradient(input: &Tensor, product: &Tensor, grad: &Tensor, axis: isize) -> Result<Tensor> {
    let (x, y) = (input.conj(), product.conj());
    let is_zero = input.eq(0)?;
    let weighted = y.mul(grad)?;
    if !is_zero.any().item::<bool>()? {
        return weighted.running_sum(axis, true)?.div(&x);
    }
    let zeros = is_zero.cumsum(axis)?;
    let before = zeros.eq(0)?;
    let early = weighted.masked_fill(&before.logical_not(), 0)?.running_sum(axis, true)?.div(&x)?;
    let from_first = zeros.eq(1)?;
    let first = from_first.logical_and(&is_zero)?;
    let between = from_first.logical_and(&is_zero.logical_not())?;
    let later = x.masked_fill(&between.logical_not(), 1)?.cumprod(axis)?;
    let later = later.mul(&grad.masked_fill(&from_first.logical_not(), 0)?)?.sum_dim(axis, true)?;
    // The product before the zero.
    let one = y.narrow(axis, 0, 1)?.ones_like();
    let earlier = Tensor::cat(&[one, y.narrow(axis, 0, y.size(axis)? - 1)?], axis)?;
    Tensor::where_(&before, &early, &Tensor::where_(&first, &later.mul(&earlier)?, 0)?)
}

/// Running logarithms of sums by doubling: after step `d` each element is that of the `2d` before it.
#[inline]
fn doubling_log_sums(x: &Tensor, axis: isize) -> Result<Tensor> {
    let n = if x.rank() == 0 { 1 } else { x.size(axis)? };
    let (mut y, mut distance) = (x.copy(), 1);
    while distance < n {
        let later = y.narrow(axis, distance, n - distance)?.logaddexp(&y.narrow(axis, 0, n - distance)?)?;
        y = Tensor::cat(&[y.narrow(axis, 0, distance)?, later], axis)?;
        distance *= 2;
    }
    Ok(y)
}

/// Running products by doubling: after step `d` each element is the product of the `2d` before it.
fn doubling_products(x: &Tensor, axis: isize) -> Result<Tensor> {
    let n = if x.rank() == 0 { 1 } else { x.size(axis)? };
    let mut y = x.mul(1.0)?;
    let mut distance = 1;
    while distance < n {
        // Shifted by `distance`, with ones moving in.
        let ones = y.detach().zeros_like();
        ones.narrow(axis, 0, distance)?.fill_(1.0)?;
        let later = Tensor::arange(distance, n, 1)?;
        y = y.mul(&ones.index_add(axis, &later, &y.narrow(axis, 0, n - distance)?)?)?;
        distance *= 2;
    }
    Ok(y)
}
