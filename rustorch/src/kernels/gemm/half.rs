//! Products of bf16 and f16: operands and result are converted to and from f32, in which everything is summed and rounded once.

use half::{bf16, f16};

use super::{BatchDim, Bias, Element, Epilogue, MatMut, MatRef, Product, batch_offsets};
use crate::kernels::Isa;
use crate::kernels::parallel;

/// Rows of C per f32 product: bounds the converted copies of A and C.
const ROWS: usize = 512;

macro_rules! half_element {
    ($($t:ty),*) => {$(
        impl Element for $t {
            unsafe fn product(isa: Isa, product: &Product<$t>, batch: &[BatchDim]) {
                // SAFETY: the caller's promise.
                unsafe { run(isa, product, batch, <$t>::to_f32, <$t>::from_f32) }
            }
        }
    )*};
}

half_element!(bf16, f16);

unsafe fn run<T: Copy + Send + Sync>(
    isa: Isa,
    product: &Product<T>,
    batch: &[BatchDim],
    up: fn(T) -> f32,
    down: fn(f32) -> T,
) {
    let count: usize = batch.iter().map(|dim| dim.size).product();
    let shared = parallel::Shared((*product, batch));
    parallel::for_each(count, |index| {
        let (product, batch) = shared.get();
        // SAFETY: the caller's promise.
        unsafe { one(isa, &product.at(batch_offsets(batch, index)), up, down) };
    });
}

unsafe fn one<T: Copy>(isa: Isa, p: &Product<T>, up: fn(T) -> f32, down: fn(f32) -> T) {
    // SAFETY: reads and writes what the product describes.
    unsafe {
        let b = converted(p.b, p.k, p.n, up);
        let bias = match p.epilogue.bias {
            Bias::None => Vec::new(),
            Bias::PerColumn(bias) => (0..p.n).map(|j| up(*bias.add(j))).collect(),
            Bias::PerRow(bias) => (0..p.m).map(|i| up(*bias.add(i))).collect(),
        };
        let bias_pointer = match p.epilogue.bias {
            Bias::None => Bias::None,
            Bias::PerColumn(_) => Bias::PerColumn(bias.as_ptr()),
            Bias::PerRow(_) => Bias::PerRow(bias.as_ptr()),
        };
        let epilogue = Epilogue { bias: bias_pointer, activation: p.epilogue.activation };
        let beta = up(p.beta);
        for i in (0..p.m).step_by(ROWS) {
            let part = p.part(i, 0, ROWS.min(p.m - i), p.n);
            let a = converted(part.a, part.m, p.k, up);
            let mut c: Vec<f32> = Vec::with_capacity(part.m * p.n);
            if beta != 0.0 {
                let old = MatRef { ptr: part.c.ptr.cast_const(), rs: part.c.rs, cs: part.c.cs };
                c = converted(old, part.m, p.n, up);
            }
            Product {
                m: part.m,
                n: p.n,
                k: p.k,
                alpha: up(p.alpha),
                a: MatRef { ptr: a.as_ptr(), rs: p.k as isize, cs: 1 },
                b: MatRef { ptr: b.as_ptr(), rs: p.n as isize, cs: 1 },
                beta,
                c: MatMut { ptr: c.as_mut_ptr(), rs: p.n as isize, cs: 1 },
                epilogue: epilogue.offset(i, 0),
            }
            .run_on(isa, &[]);
            for r in 0..part.m {
                for s in 0..p.n {
                    *part.c.ptr.offset(r as isize * p.c.rs + s as isize * p.c.cs) =
                        down(*c.as_ptr().add(r * p.n + s));
                }
            }
        }
    }
}

/// A contiguous f32 copy of a matrix.
unsafe fn converted<T: Copy>(from: MatRef<T>, rows: usize, cols: usize, up: fn(T) -> f32) -> Vec<f32> {
    let mut to = Vec::with_capacity(rows * cols);
    for i in 0..rows as isize {
        // SAFETY: the caller's promise.
        to.extend((0..cols as isize).map(|j| up(unsafe { *from.ptr.offset(i * from.rs + j * from.cs) })));
    }
    to
}
