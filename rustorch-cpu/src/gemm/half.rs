//! Products of bf16 and f16: summed in f32, and rounded once.
//!
//! Packing converts. A place of a panel is an f32 or, for bf16 where the processor multiplies those (AVX-512 BF16), a pair of
//! neighbours along k; the tiles, of f32 both, then go over half as many places. C is summed up in a buffer of f32, over
//! all of k, before it is rounded.

use super::driver::PARALLEL_WORK;
use super::epilogue::Region;
use super::grid::{Grid, balanced};
use super::micro::{Block, BlockFn};
use super::table::{Kernels, Real};
use super::{BatchDim, Bias, Element, Epilogue, Product, batch_offsets};
use crate::{Isa, bf16, f16, parallel, scratch};

/// Columns of C that are summed up at a time; panels of B for all of k are kept meanwhile.
const COLUMNS: usize = 512;
/// Tiles of rows of C that are summed up at a time.
const TILES: usize = 16;
/// Places of a panel along k for one pass: with 32 columns, most of a first-level cache.
const DEPTH: usize = 256;

/// A type of 16 bits that is computed in f32.
pub(crate) trait Half: Copy + Send + Sync + 'static {
    /// Whether a pair is what the processor's bf16 instructions take.
    const BF16: bool;
    fn bits(self) -> u16;
    fn up(self) -> f32;
    fn down(value: f32) -> Self;
}

macro_rules! half_element {
    ($($t:ty: $bf16:literal),*) => {$(
        impl Half for $t {
            const BF16: bool = $bf16;
            #[inline(always)]
            fn bits(self) -> u16 {
                self.to_bits()
            }
            #[inline(always)]
            fn up(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn down(value: f32) -> Self {
                <$t>::from_f32(value)
            }
        }

        impl Element for $t {
            unsafe fn product(isa: Isa, product: &Product<$t>, batch: &[BatchDim]) {
                // SAFETY: the caller's promise.
                unsafe { run(&Tiles::new::<$t>(isa), product, batch) }
            }
        }
    )*};
}

half_element!(bf16: true, f16: false);

/// The tiles to use, and what their places hold.
struct Tiles {
    kernels: &'static Kernels<f32>,
    /// Places are pairs of bf16.
    pairs: bool,
}

impl Tiles {
    fn new<T: Half>(isa: Isa) -> Self {
        #[cfg(target_arch = "x86_64")]
        let pairs = T::BF16 && super::table::bf16_pairs::available(isa);
        #[cfg(not(target_arch = "x86_64"))]
        let pairs = false;
        Self { kernels: f32::kernels(isa), pairs }
    }

    /// Rows of the highest tile, columns of the widest.
    fn size(&self) -> (usize, usize) {
        (self.kernels.tile_rows, self.kernels.lanes * self.kernels.tile_vectors)
    }

    /// The lowest tile of at least `rows` rows: its height and kernel.
    fn tile(&self, rows: usize, vectors: usize) -> (usize, BlockFn<f32>) {
        #[cfg(target_arch = "x86_64")]
        if self.pairs {
            use super::table::bf16_pairs::{HEIGHTS, TILE};
            let index = HEIGHTS.partition_point(|&height| height < rows);
            return (HEIGHTS[index], TILE[index][vectors - 1]);
        }
        (rows, self.kernels.tile[rows - 1][vectors - 1])
    }

    /// Places for `k` elements.
    fn places(&self, k: usize) -> usize {
        if self.pairs { k.div_ceil(2) } else { k }
    }
}

unsafe fn run<T: Half>(tiles: &Tiles, product: &Product<T>, batch: &[BatchDim]) {
    let count: usize = batch.iter().map(|dim| dim.size).product();
    let (m, n, k) = (product.m, product.n, product.k);
    if m == 0 || n == 0 || count == 0 {
        return;
    }
    let work = m * n * k.max(1);
    let threads = if work.saturating_mul(count) < PARALLEL_WORK { 1 } else { parallel::available_threads() };
    let grid = Grid::new(tiles.size(), (m, n, k), threads.div_ceil(count));
    let parts = grid.rows * grid.cols;
    let group = (PARALLEL_WORK / 4 / work).clamp(1, (count * parts).div_ceil(threads));
    let shared = parallel::Shared((product, batch, tiles));
    let task = |first: usize| {
        let (product, batch, tiles) = shared.get();
        for task in first * group..(count * parts).min((first + 1) * group) {
            if let Some((i, j, rows, cols)) = grid.part(task % parts, m, n) {
                let part = product.at(batch_offsets(batch, task / parts)).part(i, j, rows, cols);
                // SAFETY: the caller's promise; the parts of C are disjoint.
                unsafe { block(tiles, &part) };
            }
        }
    };
    let tasks = (count * parts).div_ceil(group);
    if threads == 1 { (0..tasks).for_each(task) } else { parallel::for_each(tasks, task) }
}

/// A part of a product on this thread, a stripe of columns at a time.
unsafe fn block<T: Half>(tiles: &Tiles, p: &Product<T>) {
    let (tile_rows, width) = tiles.size();
    let (rows, columns) = ((TILES * tile_rows).min(p.m), COLUMNS.min(p.n).next_multiple_of(width));
    let places = tiles.places(p.k);
    let depth = DEPTH.min(places.max(1));
    // A tile may be higher than the rows that it has.
    let height = rows.next_multiple_of(tile_rows);
    let (a_len, b_len, c_len) = (height * depth, columns * places, height * columns);
    scratch::with(a_len + b_len + c_len, |buffer: *mut f32| {
        let (a, b, c) = (buffer, buffer.wrapping_add(a_len), buffer.wrapping_add(a_len + b_len));
        for j in (0..p.n).step_by(COLUMNS) {
            let stripe = p.part(0, j, p.m, COLUMNS.min(p.n - j));
            for i in (0..p.m).step_by(rows) {
                let part = stripe.part(i, 0, rows.min(p.m - i), stripe.n);
                // SAFETY: the part lies within the product; the buffers have room for it.
                unsafe { sum(tiles, &part, Buffers { a, b, c, columns, pack_b: i == 0 }) };
            }
        }
    });
}

/// Working memory: a block of A, panels of B for all of k one after the other, C by rows of `columns`.
#[derive(Clone, Copy)]
struct Buffers {
    a: *mut f32,
    b: *mut f32,
    c: *mut f32,
    columns: usize,
    /// Whether B is still to be packed.
    pack_b: bool,
}

impl Buffers {
    /// The first row of C that a tile writes.
    fn tile(&self, tile_rows: usize, index: usize) -> *mut f32 {
        self.c.wrapping_add(index * tile_rows * self.columns)
    }
}

/// Sums up C over all of k, and writes it.
unsafe fn sum<T: Half>(tiles: &Tiles, p: &Product<T>, at: Buffers) {
    let (tile_rows, width) = tiles.size();
    let (lanes, places) = (tiles.kernels.lanes, tiles.places(p.k));
    let group = if tiles.pairs { 2 } else { 1 };
    let (alpha, old) = (p.alpha.up(), p.beta.up());
    // SAFETY: the caller's promise; panels and tiles lie within the buffers.
    unsafe {
        if old != 0.0 {
            // The highest tile of a few rows writes to rows below them.
            at.c.write_bytes(0, p.m.div_ceil(tile_rows) * tile_rows * at.columns);
            each(tile_rows, p, &at, |sum, c| *sum = old * (*c).up());
        }
        for first in (0..places.max(1)).step_by(DEPTH) {
            let depth = DEPTH.min(places - first);
            let k = first * group..p.k.min((first + depth) * group);
            let beta = if first == 0 && old == 0.0 { None } else { Some(1.0) };
            let a_tile = |index: usize| at.a.wrapping_add(index * tile_rows * depth);
            for (index, (i, rows)) in balanced(p.m, tile_rows).enumerate() {
                let (width, _) = tiles.tile(rows, 1);
                let from = p.a.ptr.offset(i as isize * p.a.rs + k.start as isize * p.a.cs);
                let (is, ps) = (p.a.rs, p.a.cs);
                pack(tiles, &Panel { to: a_tile(index), width, from, is, ps, present: rows, k: k.len() });
            }
            for j in (0..p.n).step_by(width) {
                let cols = width.min(p.n - j);
                let vectors = cols.div_ceil(lanes);
                let width = vectors * lanes;
                let b = at.b.add(j * places + first * width);
                if at.pack_b {
                    let from = p.b.ptr.offset(k.start as isize * p.b.rs + j as isize * p.b.cs);
                    let (is, ps) = (p.b.cs, p.b.rs);
                    pack(tiles, &Panel { to: b, width, from, is, ps, present: cols, k: k.len() });
                }
                for (index, (_, rows)) in balanced(p.m, tile_rows).enumerate() {
                    let (height, kernel) = tiles.tile(rows, vectors);
                    kernel(&Block {
                        k: depth,
                        a: a_tile(index),
                        a_rs: 1,
                        a_cs: height as isize,
                        a_rows: std::ptr::null(),
                        a_columns: std::ptr::null(),
                        b,
                        b_stride: width as isize,
                        ahead: b,
                        c: at.tile(tile_rows, index).add(j),
                        c_rs: at.columns as isize,
                        cols,
                        alpha,
                        beta,
                    });
                }
            }
        }
        finish(tiles, p, &at);
        each(tile_rows, p, &at, |sum, c| *c = T::down(*sum));
    }
}

/// Calls `f` with each element of C in the buffer and in its place.
unsafe fn each<T: Half>(tile_rows: usize, p: &Product<T>, at: &Buffers, f: impl Fn(*mut f32, *mut T)) {
    for (index, (i, rows)) in balanced(p.m, tile_rows).enumerate() {
        for row in 0..rows {
            let sums = at.tile(tile_rows, index).wrapping_add(row * at.columns);
            let to = p.c.ptr.wrapping_offset((i + row) as isize * p.c.rs);
            for j in 0..p.n {
                f(sums.wrapping_add(j), to.wrapping_offset(j as isize * p.c.cs));
            }
        }
    }
}

/// The epilogue, on the sums.
unsafe fn finish<T: Half>(tiles: &Tiles, p: &Product<T>, at: &Buffers) {
    if p.epilogue.is_none() {
        return;
    }
    // SAFETY: a bias has as many elements as C has columns or rows; the regions are those of the tiles.
    unsafe {
        let up = |bias: *const T, n: usize| -> Vec<f32> { (0..n).map(|i| (*bias.add(i)).up()).collect() };
        let values = match p.epilogue.bias {
            Bias::None => Vec::new(),
            Bias::PerColumn(bias) => up(bias, p.n),
            Bias::PerRow(bias) => up(bias, p.m),
        };
        let bias = match p.epilogue.bias {
            Bias::None => Bias::None,
            Bias::PerColumn(_) => Bias::PerColumn(values.as_ptr()),
            Bias::PerRow(_) => Bias::PerRow(values.as_ptr()),
        };
        let epilogue = Epilogue { bias, activation: p.epilogue.activation };
        let (tile_rows, _) = tiles.size();
        for (index, (i, rows)) in balanced(p.m, tile_rows).enumerate() {
            (tiles.kernels.epilogue)(&Region {
                c: at.tile(tile_rows, index),
                rs: at.columns as isize,
                cs: 1,
                rows,
                cols: p.n,
                epilogue: epilogue.offset(i, 0),
            });
        }
    }
}

/// A panel to pack: place (i, p) at `to + p·width + i`, of `present` rows of `k` elements at `from + i·is + p·ps`.
struct Panel<T> {
    to: *mut f32,
    width: usize,
    from: *const T,
    is: isize,
    ps: isize,
    present: usize,
    k: usize,
}

/// Converts a panel. Absent rows, and what is missing of a last pair, are 0.
unsafe fn pack<T: Half>(tiles: &Tiles, panel: &Panel<T>) {
    // SAFETY: the caller's promise: the indices are below `present` and `k`.
    unsafe {
        let at = |i: usize, p: usize| *panel.from.offset(i as isize * panel.is + p as isize * panel.ps);
        if tiles.pairs {
            let pair = |i: usize, q: usize| {
                let second = if 2 * q + 1 < panel.k { at(i, 2 * q + 1).bits() } else { 0 };
                f32::from_bits(u32::from(at(i, 2 * q).bits()) | u32::from(second) << 16)
            };
            fill(panel, panel.k.div_ceil(2), pair);
        } else {
            fill(panel, panel.k, |i, p| at(i, p).up());
        }
    }
}

/// Writes the places of a panel, along what is contiguous in memory.
#[inline(always)]
unsafe fn fill<T>(panel: &Panel<T>, places: usize, place: impl Fn(usize, usize) -> f32) {
    // SAFETY: the panel has room for `places` by `width`.
    unsafe {
        if panel.is == 1 {
            for p in 0..places {
                for i in 0..panel.present {
                    *panel.to.add(p * panel.width + i) = place(i, p);
                }
            }
        } else {
            for i in 0..panel.present {
                for p in 0..places {
                    *panel.to.add(p * panel.width + i) = place(i, p);
                }
            }
        }
        for p in 0..places {
            for i in panel.present..panel.width {
                *panel.to.add(p * panel.width + i) = 0.0;
            }
        }
    }
}
