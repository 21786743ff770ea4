//! Matrix products: `C = activation(beta·C + alpha·A·B + bias)` for any strides, batched.
//!
//! f32 and f64 follow Goto and van de Geijn ("Anatomy of High-Performance Matrix Multiplication", 2008): panels of A and B are packed
//! into the order in which a register tile reads them, blocked for the caches ([`driver`]). Packing takes any strides, so
//! transposes cost nothing extra. Skinny and tiny products read their operands in place. The path depends on the shape
//! and strides alone, and threads split C only, never k: the result is bit-identical for any number of threads.
//!
//! Integers and complex numbers go a plain blocked way ([`generic`]), half precision is summed in f32, and
//! converted while it is packed ([`half`]).

mod driver;
mod epilogue;
mod generic;
mod grid;
mod half;
mod micro;
mod pack;
mod table;

#[cfg(test)]
mod tests;

pub(super) use epilogue::Region;
pub use epilogue::{Activation, Bias, Epilogue};
pub(super) use grid::balanced;
pub(super) use micro::Block;
pub(super) use pack::Panel;
#[cfg(target_arch = "x86_64")]
pub(super) use pack::transpose_16x16;
pub(super) use table::{Kernels, Real};

use super::{Isa, isa};

/// A matrix to read: element (i, j) at `ptr + i·rs + j·cs`.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<T> {
    /// Element (0, 0).
    pub ptr: *const T,
    /// Elements from a row to the next.
    pub rs: isize,
    /// Elements from a column to the next.
    pub cs: isize,
}

/// A matrix to write: element (i, j) at `ptr + i·rs + j·cs`, all of them distinct.
#[derive(Clone, Copy, Debug)]
pub struct MatMut<T> {
    /// Element (0, 0).
    pub ptr: *mut T,
    /// Elements from a row to the next.
    pub rs: isize,
    /// Elements from a column to the next.
    pub cs: isize,
}

/// A dimension of a batch of products: its size, and the elements from one matrix to the next. A stride of 0 broadcasts A or B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchDim {
    /// How many.
    pub size: usize,
    /// From one A to the next.
    pub a: isize,
    /// From one B to the next.
    pub b: isize,
    /// From one C to the next, not 0.
    pub c: isize,
}

/// `C (m×n) = activation(beta·C + alpha·A (m×k)·B (k×n) + bias)`. With `beta` 0, C is not read, so it may be uninitialised.
#[derive(Clone, Copy, Debug)]
pub struct Product<T> {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A and rows of B.
    pub k: usize,
    /// The factor of A·B.
    pub alpha: T,
    /// The left operand.
    pub a: MatRef<T>,
    /// The right operand.
    pub b: MatRef<T>,
    /// The factor of the old C.
    pub beta: T,
    /// The result.
    pub c: MatMut<T>,
    /// What is done to the result.
    pub epilogue: Epilogue<T>,
}

/// A part of C: so many rows and columns from these on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first row.
    pub row: usize,
    /// Its first column.
    pub column: usize,
    /// How many rows.
    pub rows: usize,
    /// How many columns.
    pub columns: usize,
}

/// What is done with finished parts of C ([`Product::run_then`]).
pub type Ending<'a> = &'a (dyn Fn(Part) + Sync);

impl Part {
    fn moved(self, i: usize, j: usize) -> Self {
        Part { row: self.row + i, column: self.column + j, ..self }
    }

    fn transposed(self) -> Self {
        Part { row: self.column, column: self.row, rows: self.columns, columns: self.rows }
    }
}

/// An element type that matrices can be multiplied in.
pub trait Element: Copy + Send + Sync + 'static {
    /// Runs the products of a batch with the instructions of `isa`.
    ///
    /// # Safety
    /// As for [`Product::run_batched`].
    unsafe fn product(isa: Isa, product: &Product<Self>, batch: &[BatchDim]);
}

impl<T: Element> Product<T> {
    /// Computes the product.
    ///
    /// # Safety
    /// The pointers, sizes and strides describe memory that is valid for reads (A, B, a bias; C where `beta` is not 0) and
    /// writes (C); C overlaps nothing else.
    pub unsafe fn run(&self) {
        // SAFETY: the caller's promise.
        unsafe { T::product(isa(), self, &[]) }
    }

    /// Computes the product for every index of the batch; the matrices of `self` are those at index 0. The bias is the same for all.
    ///
    /// # Safety
    /// As for [`Product::run`], for all matrices of the batch; no two C overlap.
    pub unsafe fn run_batched(&self, batch: &[BatchDim]) {
        // SAFETY: the caller's promise.
        unsafe { T::product(isa(), self, batch) }
    }

    /// [`Product::run_batched`] with chosen instructions.
    ///
    /// # Safety
    /// As for [`Product::run_batched`].
    pub unsafe fn run_on(&self, isa: Isa, batch: &[BatchDim]) {
        // SAFETY: the caller's promise.
        unsafe { T::product(isa, self, batch) }
    }
}

/// `C (m×n) = beta·C + alpha·A (m×k)·B (k×n)`.
///
/// # Safety
/// As for [`Product::run`].
#[expect(clippy::too_many_arguments, reason = "BLAS's own list")]
pub unsafe fn gemm<T: Element>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: MatRef<T>,
    b: MatRef<T>,
    beta: T,
    c: MatMut<T>,
    epilogue: Epilogue<T>,
) {
    // SAFETY: the caller's promise.
    unsafe { Product { m, n, k, alpha, a, b, beta, c, epilogue }.run() }
}

/// The offsets of A, B and C at position `index` of a batch, in row-major order of its dimensions.
fn batch_offsets(batch: &[BatchDim], mut index: usize) -> (isize, isize, isize) {
    let mut offsets = (0, 0, 0);
    for dim in batch.iter().rev() {
        let i = (index % dim.size) as isize;
        index /= dim.size;
        offsets = (offsets.0 + i * dim.a, offsets.1 + i * dim.b, offsets.2 + i * dim.c);
    }
    offsets
}

impl<T: Copy> Product<T> {
    /// The part of C from row `i` and column `j` on, `m` by `n`.
    fn part(&self, i: usize, j: usize, m: usize, n: usize) -> Product<T> {
        let (row, column) = (i as isize, j as isize);
        let mut part = *self;
        part.m = m;
        part.n = n;
        part.a.ptr = self.a.ptr.wrapping_offset(row * self.a.rs);
        part.b.ptr = self.b.ptr.wrapping_offset(column * self.b.cs);
        part.c.ptr = self.c.ptr.wrapping_offset(row * self.c.rs + column * self.c.cs);
        part.epilogue = self.epilogue.offset(i, j);
        part
    }

    /// `Cᵀ = Bᵀ·Aᵀ`
    fn transposed(&self) -> Product<T> {
        Product {
            m: self.n,
            n: self.m,
            a: MatRef { ptr: self.b.ptr, rs: self.b.cs, cs: self.b.rs },
            b: MatRef { ptr: self.a.ptr, rs: self.a.cs, cs: self.a.rs },
            c: MatMut { ptr: self.c.ptr, rs: self.c.cs, cs: self.c.rs },
            epilogue: self.epilogue.transposed(),
            ..*self
        }
    }

    /// Moved by the offsets of a batch.
    fn at(&self, (a, b, c): (isize, isize, isize)) -> Product<T> {
        let mut product = *self;
        product.a.ptr = self.a.ptr.wrapping_offset(a);
        product.b.ptr = self.b.ptr.wrapping_offset(b);
        product.c.ptr = self.c.ptr.wrapping_offset(c);
        product
    }
}
