//! Products of integers (wrapping) and complex numbers: a row of C at a time over blocks of columns, in order of k.

use num_complex::Complex;

use super::epilogue::Bias;
use super::{Activation, BatchDim, Element, Product, batch_offsets};
use crate::Isa;
use crate::parallel;

/// Columns of C summed up at a time, in a buffer on the stack.
const COLS: usize = 128;
/// Rows per task.
const ROWS: usize = 16;

/// The arithmetic of a product.
pub(super) trait Ring: Copy + Default + PartialEq + Send + Sync + 'static {
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
}

macro_rules! ring {
    ($($t:ty: |$a:ident, $b:ident| $plus:expr, $times:expr;)*) => {$(
        impl Ring for $t {
            #[inline(always)]
            fn plus(self, other: $t) -> $t {
                let ($a, $b) = (self, other);
                $plus
            }
            #[inline(always)]
            fn times(self, other: $t) -> $t {
                let ($a, $b) = (self, other);
                $times
            }
        }
        impl Element for $t {
            unsafe fn product(_: Isa, product: &Product<$t>, batch: &[BatchDim]) {
                // SAFETY: the caller's promise.
                unsafe { run(product, batch) }
            }
        }
    )*};
}

ring! {
    u8: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i8: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i16: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i32: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i64: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    Complex<f32>: |a, b| a + b, a * b;
    Complex<f64>: |a, b| a + b, a * b;
}

unsafe fn run<T: Ring>(product: &Product<T>, batch: &[BatchDim]) {
    debug_assert!(product.epilogue.activation == Activation::Identity, "no activations for this type");
    let count: usize = batch.iter().map(|dim| dim.size).product();
    let groups = product.m.div_ceil(ROWS);
    let shared = parallel::Shared((*product, batch));
    let task = |index: usize| {
        let (product, batch) = shared.get();
        let p = product.at(batch_offsets(batch, index / groups));
        let first = index % groups * ROWS;
        for i in first..p.m.min(first + ROWS) {
            for j in (0..p.n).step_by(COLS) {
                // SAFETY: within the product, whose parts are disjoint.
                unsafe { row(&p, i, j, COLS.min(p.n - j)) };
            }
        }
    };
    let work = ROWS.min(product.m) * product.n * product.k;
    parallel::for_each_chunk(count * groups, (parallel::GRAIN / work.max(1)).max(1), |range| {
        range.for_each(task)
    });
}

/// Columns `j..j + cols` of row `i`.
unsafe fn row<T: Ring>(p: &Product<T>, i: usize, j: usize, cols: usize) {
    let mut sums = [T::default(); COLS];
    // SAFETY: the caller's promise.
    unsafe {
        for k in 0..p.k as isize {
            let a = *p.a.ptr.offset(i as isize * p.a.rs + k * p.a.cs);
            let b = p.b.ptr.offset(k * p.b.rs + j as isize * p.b.cs);
            if p.b.cs == 1 {
                for (s, sum) in sums[..cols].iter_mut().enumerate() {
                    *sum = sum.plus(a.times(*b.add(s)));
                }
            } else {
                for (s, sum) in sums[..cols].iter_mut().enumerate() {
                    *sum = sum.plus(a.times(*b.offset(s as isize * p.b.cs)));
                }
            }
        }
        for (s, &sum) in sums[..cols].iter().enumerate() {
            let to = p.c.ptr.offset(i as isize * p.c.rs + (j + s) as isize * p.c.cs);
            let mut value = p.alpha.times(sum);
            if p.beta != T::default() {
                value = p.beta.times(*to).plus(value);
            }
            *to = match p.epilogue.bias {
                Bias::None => value,
                Bias::PerColumn(bias) => value.plus(*bias.add(j + s)),
                Bias::PerRow(bias) => value.plus(*bias.add(i)),
            };
        }
    }
}
