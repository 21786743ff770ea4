//! Matrix products by cuBLASLt.

mod plan;

use crate::{
    device::Device,
    dtype::DType,
    error::{Error, Result},
    kernels::Elements,
    memory::Buffer,
};
pub(crate) use plan::Blas;
use plan::{Key, Plan, alignment};

/// How a matrix (or a batch of them) lies in memory: rows of `ld` elements, of which the first ones are its columns.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// The first element of the first matrix.
    pub elements: Elements<'a>,
    /// Elements from one stored row to the next.
    pub ld: usize,
    /// Whether the product takes the stored matrix transposed: then its stored rows are the operand's columns.
    pub transposed: bool,
    /// Elements from one matrix of the batch to the next; 0 uses one matrix for the whole batch.
    pub batch_stride: usize,
}

/// What is applied to the product before it is stored. A bias has one element for each column of the result and the
/// result's type. GELU is the tanh approximation, `gelu(approximate="tanh")` in PyTorch.
#[derive(Clone, Copy, Debug, Default)]
pub enum Epilogue<'a> {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))`.
    Gelu,
    /// `x + bias`.
    Bias(Elements<'a>),
    /// `max(x + bias, 0)`.
    BiasRelu(Elements<'a>),
    /// `gelu(x + bias)`.
    BiasGelu(Elements<'a>),
}

/// A batch of products `C = epilogue(alpha * A B + beta * C)`, with `A` of m x k, `B` of k x n and `C` of m x n, row by row.
///
/// All operands have one type: f32, f64, f16 or bf16. The half types are accumulated in f32.
#[derive(Clone, Copy, Debug)]
pub struct Gemm<'a> {
    /// The element type.
    pub dtype: DType,
    /// Whether f32 products may round their factors to 10 bits of mantissa, which the tensor cores take (TF32).
    pub tf32: bool,
    /// Rows of `A` and `C`.
    pub m: usize,
    /// Columns of `B` and `C`.
    pub n: usize,
    /// Columns of `A`, rows of `B`.
    pub k: usize,
    /// The number of products.
    pub batch: usize,
    /// The factor of the product.
    pub alpha: f64,
    /// The factor of what `C` held; with 0 it is not read.
    pub beta: f64,
    /// The left operand.
    pub a: Matrix<'a>,
    /// The right operand.
    pub b: Matrix<'a>,
    /// The result, never transposed.
    pub c: Matrix<'a>,
    /// What is applied at the end.
    pub epilogue: Epilogue<'a>,
}

/// Queues the products on the current stream of `device`.
///
/// # Errors
/// A type that is no float, matrices outside their buffers, rows longer than `ld`, a transposed result, or a product that
/// cuBLASLt does not do. `k = 0` is done for a contiguous result without `beta` and epilogue, and is zero.
pub fn gemm(device: &Device, gemm: Gemm<'_>) -> Result<()> {
    if !gemm.dtype.is_float() {
        return Err(gemm.problem(format!("takes f32, f64, f16 and bf16, not {}", gemm.dtype)));
    }
    if gemm.c.transposed {
        return Err(gemm.problem("the result cannot be transposed: exchange the operands instead"));
    }
    let a = gemm.address(device, "a", &gemm.a, gemm.m, gemm.k)?;
    let b = gemm.address(device, "b", &gemm.b, gemm.k, gemm.n)?;
    let c = gemm.address(device, "c", &gemm.c, gemm.m, gemm.n)?;
    if gemm.batch > 1 && gemm.c.batch_stride < gemm.m.saturating_sub(1) * gemm.c.ld + gemm.n {
        return Err(gemm.problem(format!("results {} elements apart overlap", gemm.c.batch_stride)));
    }
    if gemm.m == 0 || gemm.n == 0 || gemm.batch == 0 {
        return Ok(());
    }
    if gemm.k == 0 {
        return gemm.nothing_to_add();
    }
    let (epilogue, bias) = gemm.epilogue(device)?;
    let key = Key {
        dtype: gemm.dtype,
        tf32: gemm.tf32,
        sizes: [gemm.m, gemm.n, gemm.k, gemm.batch],
        transposed: [gemm.a.transposed, gemm.b.transposed],
        lds: [gemm.a.ld, gemm.b.ld, gemm.c.ld],
        batch_strides: [gemm.a.batch_stride, gemm.b.batch_stride, gemm.c.batch_stride],
        alignment: [alignment(a), alignment(b), alignment(c)],
        epilogue,
        has_beta: gemm.beta != 0.0,
    };
    let blas = device.blas()?;
    let plan = blas.plan(&key)?;
    let plan: &Plan = &plan;
    let workspace = Buffer::uninit(device, plan.workspace)?;
    let stream = device.current_stream();
    stream.bind()?;
    // SAFETY: every matrix was checked to lie inside its buffer, and the plan was made for exactly these layouts.
    unsafe { blas.run(plan, &key, (gemm.alpha, gemm.beta), [a, b, c], bias, &workspace, &stream) }
}

impl Gemm<'_> {
    fn address(
        &self,
        device: &Device,
        name: &str,
        matrix: &Matrix<'_>,
        rows: usize,
        columns: usize,
    ) -> Result<u64> {
        let (rows, columns) = if matrix.transposed { (columns, rows) } else { (rows, columns) };
        if matrix.ld < columns.max(1) {
            return Err(self
                .problem(format!("rows of `{name}` have {columns} elements but begin every {}", matrix.ld)));
        }
        let empty = rows == 0 || columns == 0 || self.batch == 0;
        let reach = (self.batch.max(1) - 1).checked_mul(matrix.batch_stride).and_then(|batches| {
            rows.max(1).checked_sub(1)?.checked_mul(matrix.ld)?.checked_add(columns)?.checked_add(batches)
        });
        let count = if empty { Some(0) } else { reach };
        let count = count.ok_or_else(|| self.problem(format!("`{name}` reaches beyond any memory")))?;
        matrix.elements.address("matmul", device, self.dtype, count)
    }

    fn epilogue(&self, device: &Device) -> Result<(plan::EpilogueKind, Option<u64>)> {
        use plan::EpilogueKind as Kind;
        let (kind, bias) = match self.epilogue {
            Epilogue::None => (Kind::None, None),
            Epilogue::Relu => (Kind::Relu, None),
            Epilogue::Gelu => (Kind::Gelu, None),
            Epilogue::Bias(bias) => (Kind::Bias, Some(bias)),
            Epilogue::BiasRelu(bias) => (Kind::BiasRelu, Some(bias)),
            Epilogue::BiasGelu(bias) => (Kind::BiasGelu, Some(bias)),
        };
        let address = bias.map(|bias| bias.address("matmul bias", device, self.dtype, self.n)).transpose()?;
        Ok((kind, address))
    }

    /// The sum over an empty axis.
    fn nothing_to_add(&self) -> Result<()> {
        let contiguous = self.c.ld == self.n && (self.batch == 1 || self.c.batch_stride == self.m * self.n);
        if !contiguous || self.beta != 0.0 || !matches!(self.epilogue, Epilogue::None) {
            return Err(self.problem("k = 0 needs a contiguous result, beta = 0 and no epilogue"));
        }
        let (size, start) = (self.dtype.size(), self.c.elements.offset * self.dtype.size());
        self.c.elements.buffer.fill(start..start + self.batch * self.m * self.n * size, 0)
    }

    fn problem(&self, message: impl Into<String>) -> Error {
        let Gemm { m, n, k, batch, dtype, .. } = self;
        let product = format!("matmul of {batch} x ({m} x {k}) by ({k} x {n}) in {dtype}");
        Error::invalid(product, message)
    }
}
