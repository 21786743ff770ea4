//! Matrix products.

#[cfg(feature = "cuda")]
mod cuda;
mod launch;
mod linear;

pub(crate) use linear::linear;

use crate::autograd::{Ctx, Grads, Saved, record};
use crate::{Error, Result, Tensor};

impl Tensor {
    /// The matrix product over the last axis of this tensor and the second to last of `other`; leading axes broadcast.
    /// A vector counts as a row on the left and as a column on the right, and its axis is then dropped
    /// (`torch.matmul`).
    ///
    /// `[…, n, k] × […, k, m] → […, n, m]`. Operands of any strides are read where they lie.
    ///
    /// # Errors
    /// If an operand has no axes, the summed sizes differ, the leading axes do not broadcast, or the dtypes or devices
    /// differ; for bool tensors.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(a.matmul(&a.t()?)?.to_vec::<f32>()?, [5.0, 11.0, 11.0, 25.0]);
    /// assert_eq!(a.matmul(&Tensor::from([1.0f32, 1.0]))?.to_vec::<f32>()?, [3.0, 7.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        check_same_kind("matmul", self, other)?;
        let shape = rustorch_shape::rules::matmul(self.shape(), other.shape(), &mut ())?;
        match (self.rank(), other.rank()) {
            (1, 1) => product("matmul", &self.unsqueeze(0)?, &other.unsqueeze(1)?)?.reshape(shape),
            (1, _) => product("matmul", &self.unsqueeze(0)?, other)?.squeeze(-2),
            (_, 1) => product("matmul", self, &other.unsqueeze(1)?)?.squeeze(-1),
            _ => product("matmul", self, other),
        }
    }

    /// The product of two matrices: `[n, k] × [k, m] → [n, m]` (`torch.mm`).
    ///
    /// # Errors
    /// If an operand is not a matrix; otherwise as [`Tensor::matmul`].
    #[inline]
    pub fn mm(&self, other: &Tensor) -> Result<Tensor> {
        rustorch_shape::rules::mm(self.shape(), other.shape(), &mut ())?;
        self.matmul(other)
    }

    /// The products of two batches of matrices: `[b, n, k] × [b, k, m] → [b, n, m]` (`torch.bmm`).
    ///
    /// # Errors
    /// If an operand is not of rank 3 or the batches differ; otherwise as [`Tensor::matmul`].
    #[inline]
    pub fn bmm(&self, other: &Tensor) -> Result<Tensor> {
        rustorch_shape::rules::bmm(self.shape(), other.shape(), &mut ())?;
        self.matmul(other)
    }

    /// The product of a matrix and a vector: `[n, k] × [k] → [n]` (`torch.mv`).
    ///
    /// # Errors
    /// If the operands are not a matrix and a vector; otherwise as [`Tensor::matmul`].
    #[inline]
    pub fn mv(&self, vector: &Tensor) -> Result<Tensor> {
        check_rank("mv", "the matrix", self, 2)?;
        check_rank("mv", "the vector", vector, 1)?;
        self.matmul(vector)
    }

    /// The inner product of two vectors (`torch.dot`).
    ///
    /// # Errors
    /// If the operands are not vectors; otherwise as [`Tensor::matmul`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([1.0f32, 2.0]).dot(&Tensor::from([3.0f32, 4.0]))?.item::<f32>()?, 11.0);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn dot(&self, other: &Tensor) -> Result<Tensor> {
        check_rank("dot", "the left operand", self, 1)?;
        check_rank("dot", "the right operand", other, 1)?;
        self.matmul(other)
    }

    /// The products of all pairs of two vectors' elements: `[n] × [m] → [n, m]` (`torch.outer`).
    ///
    /// # Errors
    /// If the operands are not vectors.
    #[inline]
    pub fn outer(&self, other: &Tensor) -> Result<Tensor> {
        check_rank("outer", "the left operand", self, 1)?;
        check_rank("outer", "the right operand", other, 1)?;
        self.unsqueeze(1)?.mul(&other.unsqueeze(0)?)
    }

    /// `beta · self + alpha · (a × b)`, where this tensor broadcasts to the product (`torch.addmm`).
    ///
    /// # Errors
    /// As [`Tensor::mm`]; also if this tensor does not broadcast or has another dtype.
    #[inline]
    pub fn addmm(&self, a: &Tensor, b: &Tensor, beta: f64, alpha: f64) -> Result<Tensor> {
        add_product("addmm", self, &a.mm(b)?, beta, alpha)
    }

    /// [`Tensor::addmm`] in place.
    ///
    /// # Errors
    /// As there; also if this tensor has not the shape of the product, and for leaves that require gradients.
    pub fn addmm_(&self, a: &Tensor, b: &Tensor, beta: f64, alpha: f64) -> Result<Tensor> {
        self.replace("addmm_", |x| x.addmm(a, b, beta, alpha))
    }

    /// `beta · self + alpha · (a × b)` for batches of matrices (`torch.baddbmm`).
    ///
    /// # Errors
    /// As [`Tensor::bmm`]; also if this tensor does not broadcast or has another dtype.
    #[inline]
    pub fn baddbmm(&self, a: &Tensor, b: &Tensor, beta: f64, alpha: f64) -> Result<Tensor> {
        add_product("baddbmm", self, &a.bmm(b)?, beta, alpha)
    }

    /// [`Tensor::baddbmm`] in place.
    ///
    /// # Errors
    /// As there; also if this tensor has not the shape of the products, and for leaves that require gradients.
    pub fn baddbmm_(&self, a: &Tensor, b: &Tensor, beta: f64, alpha: f64) -> Result<Tensor> {
        self.replace("baddbmm_", |x| x.baddbmm(a, b, beta, alpha))
    }

    /// The transpose of the last two axes, conjugated if complex (`torch.Tensor.mH`): the adjoint matrices.
    pub(crate) fn adjoint(&self) -> Result<Tensor> {
        let transposed = self.transpose(-1, -2)?;
        Ok(if self.dtype().is_complex() { transposed.conj() } else { transposed })
    }
}

#[inline]
fn add_product(op: &'static str, addend: &Tensor, product: &Tensor, beta: f64, alpha: f64) -> Result<Tensor> {
    if addend.dtype() != product.dtype() {
        let message = format!("the tensor is {}, the product {}", addend.dtype(), product.dtype());
        return Err(Error::argument(op, format!("{message}; they must be the same")));
    }
    // Integers take whole factors.
    let whole = !product.dtype().is_differentiable();
    let factor =
        |factor: f64| if whole { crate::Scalar::Int(factor as i64) } else { crate::Scalar::Float(factor) };
    let (alpha, beta) = if whole { (alpha.trunc(), beta.trunc()) } else { (alpha, beta) };
    let scaled = if alpha == 1.0 { product.clone() } else { product.mul(factor(alpha))? };
    match beta {
        // As in BLAS, a zero factor ignores the addend, NaN included.
        0.0 => Ok(scaled),
        1.0 => scaled.add(addend),
        _ => scaled.add(&addend.mul(factor(beta))?),
    }
}

#[inline]
fn check_rank(op: &'static str, what: &str, tensor: &Tensor, rank: usize) -> Result<()> {
    if tensor.rank() == rank {
        return Ok(());
    }
    Err(Error::argument(op, format!("{what} has shape {:?}, expected rank {rank}", tensor.shape())))
}

#[inline]
fn check_same_kind(op: &'static str, left: &Tensor, right: &Tensor) -> Result<()> {
    if left.device() != right.device() {
        return Err(Error::DeviceMismatch { op, left: left.device(), right: right.device() });
    }
    if left.dtype() != right.dtype() {
        return Err(Error::argument(
            op,
            format!("the operands are {} and {}; convert one with `to_dtype`", left.dtype(), right.dtype()),
        ));
    }
    Ok(())
}

/// The differentiable product of operands of at least two axes.
fn product(op: &'static str, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let output = launch::product(op, left, right, None)?;
    let node = if [left.rank(), right.rank()] == [2, 2] { "mm" } else { op };
    record(node, &[&output], &[left, right], || {
        let operand = |tensor: &Tensor, needed: bool| needed.then(|| Saved::input(tensor));
        let (a, b) = (operand(left, right.requires_grad()), operand(right, left.requires_grad()));
        let shapes = [left, right].map(|tensor| tensor.layout().shape.clone());
        Box::new(move |ctx: &Ctx<'_>| {
            let grad = ctx.grad()?;
            let [left, right] = &shapes;
            let da = match &b {
                Some(b) if ctx.needs(0) => Some(grad.matmul(&b.unpack(ctx)?.adjoint()?)?.sum_to(left)?),
                _ => None,
            };
            let db = match &a {
                Some(a) if ctx.needs(1) => Some(right_gradient(&a.unpack(ctx)?, grad, right)?),
                _ => None,
            };
            Ok(Grads::from_iter([da, db]))
        })
    });
    Ok(output)
}

/// The gradient `Aᴴ G` of the right operand. If that is one matrix for a whole batch, the batch is summed by the
/// product itself.
fn right_gradient(left: &Tensor, grad: &Tensor, right: &[usize]) -> Result<Tensor> {
    if let ([k, n], true) = (right, left.rank() > 2) {
        let rows = |tensor: &Tensor, columns: usize| {
            let count: usize = tensor.shape()[..tensor.rank() - 1].iter().product();
            tensor.reshape([count, columns])
        };
        return rows(left, *k)?.adjoint()?.matmul(&rows(grad, *n)?);
    }
    left.adjoint()?.matmul(grad)?.sum_to(right)
}
