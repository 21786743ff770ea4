//! Which way a product goes, how it is cut for caches and threads.

use super::epilogue::Region;
use super::grid::{Grid, balanced};
use super::micro::{Block, DOT_COLS};
use super::pack::Panel;
use super::table::{Kernels, Real};
use super::{BatchDim, Bias, Element, Ending, Part, Product, batch_offsets};
use crate::Isa;
use crate::{parallel, scratch};

/// Fewer multiplications than this run on one thread.
pub(super) const PARALLEL_WORK: usize = 1 << 18;
/// Columns of B packed at a time when several blocks of rows use them (bounds the buffer to a few MiB).
const MAX_COLS: usize = 2048;
/// Bytes of packed B that the tiles of a block of A meet one after the other: half of a second-level cache of 1 MiB. A tile stays
/// in the first-level cache meanwhile, and writes C along its rows.
const CHUNK: usize = 1 << 19;
/// Products up to this many multiplications are not packed if B's rows are contiguous.
const TINY_WORK: usize = 24 * 24 * 24;

/// Finished elements that an ending is called with at a time: half a second-level cache of 1 MiB.
const ENDING: usize = 1 << 17;

/// How the elements of C are computed. Chosen from the whole product, as the paths round differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// Operands where they lie; B's rows are contiguous.
    Direct,
    /// Operands where they lie; k is contiguous in both.
    Dot,
    Packed,
}

macro_rules! real_element {
    ($($t:ty),*) => {$(
        impl Element for $t {
            unsafe fn product(isa: Isa, product: &Product<$t>, batch: &[BatchDim]) {
                // SAFETY: the caller's promise.
                unsafe { run(<$t>::kernels(isa), product, batch, None) }
            }
        }

        impl Product<$t> {
            /// [`Product::run`] with chosen instructions, and `ending` called with every part of C when that is finished and still
            /// in the cache: parts that together are C, in any order and on any thread.
            ///
            /// # Safety
            /// As for [`Product::run`].
            pub unsafe fn run_then(&self, isa: Isa, ending: Ending<'_>) {
                // SAFETY: the caller's promise.
                unsafe { run(<$t>::kernels(isa), self, &[], Some(ending)) }
            }
        }
    )*};
}

real_element!(f32, f64);

/// Only products without a batch have an ending.
unsafe fn run<T: Real>(
    kernels: &Kernels<T>,
    product: &Product<T>,
    batch: &[BatchDim],
    ending: Option<Ending<'_>>,
) {
    let (product, batch, is_transposed) = fold(product, batch);
    let count: usize = batch.iter().map(|dim| dim.size).product();
    if product.m == 0 || product.n == 0 || count == 0 {
        return;
    }
    let turned;
    let ending: Option<Ending<'_>> = match ending {
        Some(ending) if is_transposed => {
            turned = move |part: Part| ending(part.transposed());
            Some(&turned)
        }
        ending => ending,
    };
    let path = choose(kernels, &product);
    let work = product.m * product.n * product.k.max(1);
    let threads = if work.saturating_mul(count) < PARALLEL_WORK { 1 } else { parallel::available_threads() };
    if threads == 1 {
        for index in 0..count {
            // SAFETY: the caller's promise.
            unsafe { block(kernels, path, &product.at(batch_offsets(&batch, index)), ending) };
        }
        return;
    }
    let tile = (kernels.tile_rows, kernels.lanes * kernels.tile_vectors);
    let grid = Grid::new(tile, (product.m, product.n, product.k), threads.div_ceil(count));
    let tasks = count * grid.rows * grid.cols;
    // Small products are handed out several at a time.
    let group = (PARALLEL_WORK / 4 / work).clamp(1, tasks.div_ceil(threads));
    let shared = parallel::Shared((product, &batch));
    parallel::for_each(tasks.div_ceil(group), |first| {
        let (product, batch) = shared.get();
        for task in first * group..tasks.min((first + 1) * group) {
            let (index, part) = (task / (grid.rows * grid.cols), task % (grid.rows * grid.cols));
            if let Some((i, j, m, n)) = grid.part(part, product.m, product.n) {
                let part = product.at(batch_offsets(batch, index)).part(i, j, m, n);
                let moved = |part: Part| ending.map_or((), |ending| ending(part.moved(i, j)));
                let ending = ending.is_some().then_some(&moved as Ending<'_>);
                // SAFETY: the caller's promise; the parts of C are disjoint.
                unsafe { block(kernels, path, &part, ending) };
            }
        }
    });
}

/// Makes one product of many where the operands allow, and C's rows contiguous where they can be; whether that transposed it.
fn fold<T: Real>(
    product: &Product<T>,
    batch: &[BatchDim],
) -> (Product<T>, smallvec::SmallVec<[BatchDim; 6]>, bool) {
    let mut p = *product;
    let mut rest: smallvec::SmallVec<[BatchDim; 6]> =
        batch.iter().copied().filter(|dim| dim.size != 1).collect();
    while let Some(&dim) = rest.last() {
        let per_row = matches!(p.epilogue.bias, Bias::PerRow(_));
        let per_column = matches!(p.epilogue.bias, Bias::PerColumn(_));
        if dim.b == 0 && dim.a == p.m as isize * p.a.rs && dim.c == p.m as isize * p.c.rs && !per_row {
            p.m *= dim.size;
        } else if dim.a == 0
            && dim.b == p.n as isize * p.b.cs
            && dim.c == p.n as isize * p.c.cs
            && !per_column
        {
            p.n *= dim.size;
        } else {
            break;
        }
        rest.pop();
    }
    // A column vector is multiplied as a row vector, whose kernels are the skinny ones.
    let column_major = p.c.cs != 1 && p.c.rs == 1;
    if p.m > 1 && (p.n == 1 || column_major) {
        rest.iter_mut().for_each(|dim| std::mem::swap(&mut dim.a, &mut dim.b));
        return (p.transposed(), rest, true);
    }
    (p, rest, false)
}

fn choose<T: Real>(kernels: &Kernels<T>, p: &Product<T>) -> Path {
    let few_rows = p.m <= kernels.direct_rows;
    let tiny = p.m * p.n * p.k <= TINY_WORK;
    if (few_rows || tiny) && (p.b.cs == 1 || p.n == 1) && p.n >= p.k.min(kernels.lanes / 2) {
        Path::Direct
    } else if (few_rows || tiny) && p.b.rs == 1 && p.a.cs == 1 {
        Path::Dot
    } else if few_rows && p.b.cs == 1 {
        Path::Direct
    } else {
        Path::Packed
    }
}

/// A part of a product on this thread.
unsafe fn block<T: Real>(kernels: &Kernels<T>, path: Path, p: &Product<T>, ending: Option<Ending<'_>>) {
    // SAFETY: the caller's promise.
    unsafe {
        match path {
            _ if p.c.cs != 1 && p.n > 1 => scattered(kernels, path, p),
            Path::Direct => direct(kernels, p),
            Path::Dot => dot(kernels, p),
            Path::Packed => return packed(kernels, p, ending),
        }
    }
    if let Some(ending) = ending {
        ending(Part { row: 0, column: 0, rows: p.m, columns: p.n });
    }
}

fn beta<T: Real>(beta: T) -> Option<T> {
    (beta != T::default()).then_some(beta)
}

unsafe fn direct<T: Real>(kernels: &Kernels<T>, p: &Product<T>) {
    let width = kernels.lanes * kernels.direct_vectors;
    for j in (0..p.n).step_by(width) {
        let cols = width.min(p.n - j);
        for (i, rows) in balanced(p.m, kernels.direct_rows) {
            let part = p.part(i, j, rows, cols);
            let function = kernels.direct[rows - 1][cols.div_ceil(kernels.lanes) - 1];
            // SAFETY: the part lies within the product.
            unsafe {
                function(&Block {
                    k: p.k,
                    a: part.a.ptr,
                    a_rs: p.a.rs,
                    a_cs: p.a.cs,
                    a_rows: std::ptr::null(),
                    a_columns: std::ptr::null(),
                    b: part.b.ptr,
                    b_stride: p.b.rs,
                    ahead: part.b.ptr,
                    c: part.c.ptr,
                    c_rs: p.c.rs,
                    cols,
                    alpha: p.alpha,
                    beta: beta(p.beta),
                });
                finish(kernels, &part);
            }
        }
    }
}

unsafe fn dot<T: Real>(kernels: &Kernels<T>, p: &Product<T>) {
    for j in (0..p.n).step_by(DOT_COLS) {
        let cols = DOT_COLS.min(p.n - j);
        for (i, rows) in balanced(p.m, kernels.direct_rows) {
            let part = p.part(i, j, rows, cols);
            // SAFETY: the part lies within the product.
            unsafe {
                (kernels.dot[rows - 1][cols - 1])(&Block {
                    k: p.k,
                    a: part.a.ptr,
                    a_rs: p.a.rs,
                    a_cs: p.a.cs,
                    a_rows: std::ptr::null(),
                    a_columns: std::ptr::null(),
                    b: part.b.ptr,
                    b_stride: p.b.cs,
                    ahead: part.b.ptr,
                    c: part.c.ptr,
                    c_rs: p.c.rs,
                    cols,
                    alpha: p.alpha,
                    beta: beta(p.beta),
                });
            }
        }
    }
    // SAFETY: the product's own C.
    unsafe { finish(kernels, p) };
}

/// Goto's loops: blocks of columns, of k, of rows; then tiles of A against panels of B.
unsafe fn packed<T: Real>(kernels: &Kernels<T>, p: &Product<T>, ending: Option<Ending<'_>>) {
    // 14 by 384 f32 of A stay in the first-level cache, 448 by 384 of A and a chunk of B in the second.
    let depth = if size_of::<T>() == 8 { 192 } else { 384 };
    let kc = p.k.div_ceil(p.k.div_ceil(depth).max(1)).max(1);
    let max_rows = 32 * kernels.tile_rows;
    let mc = p.m.div_ceil(p.m.div_ceil(max_rows)).next_multiple_of(kernels.tile_rows).min(p.m);
    let width = kernels.lanes * kernels.tile_vectors;
    let shared_b = mc < p.m;
    let nc = if shared_b { p.n.min(MAX_COLS) } else { width };
    // Where C is written once, B's panels stay in the first-level cache instead.
    let long = shared_b && kc < p.k;
    let chunk = if long { (CHUNK / (kc * size_of::<T>())).max(width) / width * width } else { width };
    let a_len = mc * kc + kernels.lanes;
    let b_len = nc.next_multiple_of(width) * kc;
    scratch::with(a_len.next_multiple_of(16) + b_len, |buffer: *mut T| {
        let b_buffer = buffer.wrapping_add(a_len.next_multiple_of(16));
        let step = if shared_b { nc } else { p.n };
        for j in (0..p.n).step_by(step) {
            let stripe = p.part(0, j, p.m, step.min(p.n - j));
            for k0 in (0..p.k.max(1)).step_by(kc) {
                let ks = kc.min(p.k - k0);
                for i in (0..p.m).step_by(mc) {
                    let part = stripe.part(i, 0, mc.min(p.m - i), stripe.n);
                    let moved = |part: Part| ending.map_or((), |ending| ending(part.moved(i, j)));
                    let ending = (ending.is_some() && k0 + ks == p.k).then_some(&moved as Ending<'_>);
                    let buffers = Buffers { a: buffer, b: b_buffer, shared_b, pack_b: i == 0, chunk };
                    // SAFETY: the part lies within the product; the buffers have room for it.
                    unsafe { panels(kernels, &part, k0..k0 + ks, &buffers, ending) };
                }
            }
        }
    });
}

/// Room for packed operands.
struct Buffers<T> {
    a: *mut T,
    b: *mut T,
    /// Whether B's panels stay for the blocks of rows that follow.
    shared_b: bool,
    /// Whether they are not there yet.
    pack_b: bool,
    /// Columns of B that a tile of A meets before the next tile does.
    chunk: usize,
}

/// All columns of `p` for the rows of `p` (one block of A) and a range of k.
unsafe fn panels<T: Real>(
    kernels: &Kernels<T>,
    p: &Product<T>,
    ks: std::ops::Range<usize>,
    buffers: &Buffers<T>,
    ending: Option<Ending<'_>>,
) {
    let (k0, k) = (ks.start as isize, ks.len());
    let last = ks.end == p.k;
    let beta = if ks.start == 0 { beta(p.beta) } else { Some(T::ONE) };
    let width = kernels.lanes * kernels.tile_vectors;
    // SAFETY: the caller's promise.
    unsafe {
        let a = p.a.ptr.offset(k0 * p.a.cs);
        for (i, rows) in balanced(p.m, kernels.tile_rows) {
            let from = a.offset(i as isize * p.a.rs);
            let to = buffers.a.add(i * k);
            (kernels.pack)(&Panel {
                to,
                stride: rows,
                width: rows,
                from,
                is: p.a.rs,
                ps: p.a.cs,
                present: rows,
                k,
            });
        }
        let mut ended = 0;
        for j0 in (0..p.n).step_by(buffers.chunk) {
            let next = p.n.min(j0 + buffers.chunk);
            let columns = || (j0..next).step_by(width).map(|j| (j, width.min(next - j)));
            let mut b = (std::ptr::null(), 0);
            for (j, cols) in columns() {
                b = panel(kernels, p, k0, k, buffers, j, cols);
            }
            for (i, rows) in balanced(p.m, kernels.tile_rows) {
                for (j, cols) in columns() {
                    let vectors = cols.div_ceil(kernels.lanes);
                    // A chunk is a single panel, or else its panels lie in the buffer.
                    let (b, b_stride) = if buffers.shared_b {
                        (buffers.b.add(j * k).cast_const(), (vectors * kernels.lanes) as isize)
                    } else {
                        b
                    };
                    (kernels.tile[rows - 1][vectors - 1])(&Block {
                        k,
                        a: buffers.a.add(i * k),
                        a_rs: 1,
                        a_cs: rows as isize,
                        a_rows: std::ptr::null(),
                        a_columns: std::ptr::null(),
                        b,
                        b_stride,
                        ahead: b,
                        c: p.c.ptr.offset(i as isize * p.c.rs).add(j),
                        c_rs: p.c.rs,
                        cols,
                        alpha: p.alpha,
                        beta,
                    });
                }
            }
            if last {
                finish(kernels, &p.part(0, j0, p.m, next - j0));
            }
            // Long rows are worth waiting for, as long as what is finished stays in the cache.
            if let Some(ending) = ending
                && (next == p.n || (next - ended) * p.m >= ENDING)
            {
                ending(Part { row: 0, column: ended, rows: p.m, columns: next - ended });
                ended = next;
            }
        }
    }
}

/// `cols` columns of B from `j` on and `k` rows of it from `k0` on as the tile kernels read them, packed where need be: the
/// first element, and the elements from a row to the next.
unsafe fn panel<T: Real>(
    kernels: &Kernels<T>,
    p: &Product<T>,
    k0: isize,
    k: usize,
    buffers: &Buffers<T>,
    j: usize,
    cols: usize,
) -> (*const T, isize) {
    let width = cols.next_multiple_of(kernels.lanes);
    // SAFETY: the caller's promise.
    unsafe {
        let from = p.b.ptr.offset(k0 * p.b.rs + j as isize * p.b.cs);
        // A panel used by one or two tiles only is not worth copying.
        if p.b.cs == 1 && cols == width && !buffers.shared_b && p.m <= 2 * kernels.tile_rows {
            return (from, p.b.rs);
        }
        let to = if buffers.shared_b { buffers.b.add(j * k) } else { buffers.b };
        if buffers.pack_b || !buffers.shared_b {
            let (is, ps) = (p.b.cs, p.b.rs);
            (kernels.pack)(&Panel { to, stride: width, width, from, is, ps, present: cols, k });
        }
        (to, width as isize)
    }
}

/// A C without contiguous rows: parts of it are computed in a buffer and then added.
unsafe fn scattered<T: Real>(kernels: &Kernels<T>, path: Path, p: &Product<T>) {
    let (rows, cols) = (p.m.min(8 * kernels.tile_rows), p.n.min(256));
    let mut buffer: Vec<T> = Vec::with_capacity(rows * cols);
    for i in (0..p.m).step_by(rows) {
        for j in (0..p.n).step_by(cols) {
            let part = p.part(i, j, rows.min(p.m - i), cols.min(p.n - j));
            let mut inner = part;
            inner.beta = T::default();
            inner.epilogue = super::Epilogue::NONE;
            inner.c = super::MatMut { ptr: buffer.as_mut_ptr(), rs: cols as isize, cs: 1 };
            // SAFETY: the buffer has room for the part, which is written before it is read.
            unsafe {
                block(kernels, path, &inner, None);
                for r in 0..part.m {
                    for s in 0..part.n {
                        let to = part.c.ptr.offset(r as isize * p.c.rs + s as isize * p.c.cs);
                        let value = *inner.c.ptr.add(r * cols + s);
                        *to = match beta(p.beta) {
                            None => value,
                            Some(beta) => T::mul_add(*to, beta, value),
                        };
                    }
                }
                finish(kernels, &part);
            }
        }
    }
}

/// The epilogue on the whole C of `p`.
unsafe fn finish<T: Real>(kernels: &Kernels<T>, p: &Product<T>) {
    if !p.epilogue.is_none() {
        let region =
            Region { c: p.c.ptr, rs: p.c.rs, cs: p.c.cs, rows: p.m, cols: p.n, epilogue: p.epilogue };
        // SAFETY: the caller's promise.
        unsafe { (kernels.epilogue)(&region) };
    }
}
