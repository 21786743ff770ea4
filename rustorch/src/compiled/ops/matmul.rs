//! Products of two tensors.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::gemm::{BatchDim, Epilogue, MatMut, MatRef, Product};

/// Matrices `[batch, m, k]` times `[batch, k, n]`.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    m: usize,
    k: usize,
    n: usize,
}

impl Sizes {
    /// Of operands with the same leading axes, or with a matrix on the right, with which all rows on the left are multiplied.
    #[inline]
    fn of(a: &[usize], b: &[usize]) -> Self {
        let (left, right) = (a.len() - 2, b.len() - 2);
        let (m, k, n) = (a[left], a[left + 1], b[right + 1]);
        match right {
            0 => Sizes { batch: 1, m: numel(&a[..left + 1]), k, n },
            _ => Sizes { batch: numel(&a[..left]), m, k, n },
        }
    }
}

/// A row-major matrix of so many columns, or its transpose.
fn matrix(buf: Buf, columns: usize, transposed: bool) -> MatRef<f32> {
    let (rs, cs) = if transposed { (1, columns as isize) } else { (columns as isize, 1) };
    MatRef { ptr: buf.f32(), rs, cs }
}

/// `c = a·b` for every matrix of the batch, `m×k` times `k×n`.
///
/// # Safety
/// The buffers cover the matrices, and `c` overlaps nothing else.
unsafe fn multiply(batch: usize, [m, k, n]: [usize; 3], a: MatRef<f32>, b: MatRef<f32>, c: Buf) {
    let product = Product {
        m,
        n,
        k,
        alpha: 1.0,
        a,
        b,
        beta: 0.0,
        c: MatMut { ptr: c.f32(), rs: n as isize, cs: 1 },
        epilogue: Epilogue::NONE,
    };
    let dims: SmallVec<[BatchDim; 1]> = (batch != 1)
        .then(|| BatchDim { size: batch, a: (m * k) as isize, b: (k * n) as isize, c: (m * n) as isize })
        .into_iter()
        .collect();
    // SAFETY: the caller's promise.
    unsafe { product.run_batched(&dims) };
}

impl Pass {
    /// The products of matrices with equal leading axes, or of all rows with one matrix.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn matmul(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (): (),
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let ((a, left), (b, right)) = (inputs[0], inputs[1]);
        self.expect_numbers(a, "the left operand of a product")?;
        self.expect_numbers(b, "the right operand of a product")?;
        let Sizes { batch, m, k, n } = Sizes::of(left, right);
        let grad = self.recording && (a.grad || b.grad);
        let y = self.result(numel(outputs[0]), grad);
        if !self.planning {
            // SAFETY: buffers of the pass of these sizes.
            unsafe { multiply(batch, [m, k, n], matrix(a, k, false), matrix(b, n, false), y) };
        }
        self.save(a, grad && b.grad);
        self.save(b, grad && a.grad);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::matmul`].
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn matmul_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (): (),
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (b, a) = (self.saved(), self.saved());
        let Some(g) = g[0] else { return Ok(()) };
        let Sizes { batch, m, k, n } = Sizes::of(shapes[0], shapes[1]);
        if a.grad {
            let da = self.numbers(a.len, false);
            if !self.planning {
                // SAFETY: buffers of the pass of these sizes.
                unsafe { multiply(batch, [m, n, k], matrix(g, n, false), matrix(b, n, true), da) };
            }
            self.contribute(into[0], Some(da));
        }
        if b.grad {
            let db = self.numbers(b.len, false);
            if !self.planning {
                // SAFETY: as above.
                unsafe { multiply(batch, [k, m, n], matrix(a, k, true), matrix(g, n, false), db) };
            }
            self.contribute(into[1], Some(db));
        }
        Ok(())
    }
}
