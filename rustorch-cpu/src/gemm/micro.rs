//! The innermost loops: a tile of C kept in registers, for every tile height and width and instruction set.
//!
//! *Tile* kernels read packed panels (A as `[k][MR]`), *direct* ones read A where it lies. Both read rows of B
//! with any distance between them, and add up over k in order with one fused multiply-add per element, so that an
//! element of C does not depend on the tile it falls into. *Gather* kernels, a convolution's, do the same with
//! rows of A anywhere and any distances between its columns. *Dot* kernels (k contiguous in A and B) keep a vector of partial sums instead.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m512;
use std::sync::atomic::{Ordering, compiler_fence};

use super::table::Real;
use crate::vector::Vector;

/// Tile heights go up to this (AVX-512 has 32 registers: 14 · 2 sums, 2 of B, 1 of A).
const MAX_TILE_ROWS: usize = 14;
/// Dot kernels make up to this many columns at once.
pub(super) const DOT_COLS: usize = 4;
/// Rows of panels that are fetched before they are read: where two hardware threads share a first-level cache, panels do
/// not stay there (a twentieth of the time of a product of 1024³ on Emerald Rapids).
const AHEAD: usize = 8;

/// What a kernel needs to know: `c = beta·c + alpha·a·b` for a block of a few rows and columns.
pub(crate) struct Block<T> {
    pub k: usize,
    /// Tile: packed rows. Direct and dot: the first row. Gather: what the offsets start from.
    pub a: *const T,
    /// Gather: the offset of every row of A.
    pub a_rows: *const isize,
    /// Gather: the offset of every column of A.
    pub a_columns: *const isize,
    /// Elements from a row of A to the next (direct, dot).
    pub a_rs: isize,
    /// Elements from a column of A to the next (direct).
    pub a_cs: isize,
    pub b: *const T,
    /// Elements from a row of B to the next; from a column to the next for dot.
    pub b_stride: isize,
    /// Gather: while the rows of B are read, lines at the same distances from here on are fetched into the second-level
    /// cache, since they are read next. `b` itself where nothing is.
    pub ahead: *const T,
    pub c: *mut T,
    /// Elements from a row of C to the next; its columns are contiguous.
    pub c_rs: isize,
    /// The columns present, at most the kernel's width.
    pub cols: usize,
    pub alpha: T,
    /// `None` overwrites C without reading it.
    pub beta: Option<T>,
}

pub(crate) type BlockFn<T> = unsafe fn(&Block<T>);

/// Statements for each row up to a constant: written out, as LLVM would otherwise keep the sums in memory. The condition is a
/// `const` block, so that rows which a kernel does not have are gone before LLVM sees them.
macro_rules! rows {
    ($i:ident < $n:expr, $body:block) => {
        rows!(@ $i $n, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $i:ident $n:expr, $body:block, $($row:literal)*) => {
        $({
            const $i: usize = $row;
            if const { $i < $n } $body
        })*
    };
}

/// The same for the vectors of a row.
macro_rules! columns {
    ($j:ident < $n:expr, $body:block) => {
        rows!(@ $j $n, $body, 0 1 2 3)
    };
}

/// What is done with the sums at the end, once per element and instruction set: the kernels, of which there are many, only
/// call it.
pub(super) trait End<V: Vector> {
    /// [`merge`], compiled for the instruction set.
    ///
    /// # Safety
    /// As for [`merge`].
    unsafe fn merge(block: &Block<V::Elem>, sums: &[[V; 4]], vectors: usize);

    /// [`merge_lanes`], compiled for the instruction set.
    ///
    /// # Safety
    /// As for [`merge_lanes`].
    unsafe fn merge_lanes(block: &Block<V::Elem>, sums: &[[V; DOT_COLS]], columns: usize);
}

/// Writes the sums of whole rows to C.
///
/// # Safety
/// The block describes as many rows as there are sums, with `cols` writable elements each, which need that many vectors.
#[inline(always)]
pub(super) unsafe fn merge<V: Vector>(block: &Block<V::Elem>, sums: &[[V; 4]], vectors: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let last = block.cols - (vectors - 1) * V::LANES;
        let alpha = V::splat(block.alpha);
        for (i, sums) in sums.iter().enumerate() {
            let row = block.c.offset(i as isize * block.c_rs);
            for (j, sum) in sums[..vectors].iter().enumerate() {
                let to = row.add(j * V::LANES);
                let n = if j == vectors - 1 { last } else { V::LANES };
                let full = n == V::LANES;
                let sum = sum.mul(alpha);
                let value = match block.beta {
                    None => sum,
                    Some(beta) => {
                        let old = if full { V::load(to) } else { V::load_partial(to, n) };
                        sum.mul_acc(old, V::splat(beta))
                    }
                };
                if full { value.store(to) } else { value.store_partial(to, n) }
            }
        }
    }
}

/// Adds up the lanes of each sum pairwise, and writes the results to C.
///
/// # Safety
/// The block describes as many rows as there are sums, with as many writable elements as columns.
#[inline(always)]
pub(super) unsafe fn merge_lanes<V: Vector>(block: &Block<V::Elem>, sums: &[[V; DOT_COLS]], columns: usize)
where
    V::Elem: std::ops::Add<Output = V::Elem> + std::ops::Mul<Output = V::Elem>,
{
    // SAFETY: the caller's promise.
    unsafe {
        for (i, row) in sums.iter().enumerate() {
            for (j, &sum) in row[..columns].iter().enumerate() {
                let to = block.c.offset(i as isize * block.c_rs).add(j);
                let sum = add_lanes(sum) * block.alpha;
                *to = match block.beta {
                    None => sum,
                    Some(beta) => sum + *to * beta,
                };
            }
        }
    }
}

/// Hands the sums over. They are copied first: an array whose address is taken would not be kept in registers.
#[inline(always)]
unsafe fn finish<V: Vector, E: End<V>, const MR: usize, const NV: usize>(
    block: &Block<V::Elem>,
    sums: &[[V; 4]; MAX_TILE_ROWS],
) {
    // SAFETY: the caller's block describes MR rows with `cols` writable elements each.
    unsafe {
        let mut copy = [[V::splat(zero::<V>()); 4]; MR];
        rows!(I < MR, {
            columns!(J < NV, {
                copy[I][J] = sums[I][J];
            });
        });
        E::merge(block, &copy, NV);
    }
}

/// [`finish`] where it is: whole vectors that are written or added, which is worth its code, since with a small k this is a
/// good part of a tile's time. Returns whether it was done.
///
/// # Safety
/// As for [`finish`].
#[inline(always)]
unsafe fn finish_usual<V: Vector<Elem: Real>, const MR: usize, const NV: usize>(
    block: &Block<V::Elem>,
    sums: &[[V; 4]; MAX_TILE_ROWS],
) -> bool {
    // Double precision does without: this is a tenth of the code of all kernels.
    if const { size_of::<V::Elem>() == 8 } {
        return false;
    }
    let add = block.beta == Some(V::Elem::ONE);
    let usual = block.cols == NV * V::LANES && block.alpha == V::Elem::ONE && (add || block.beta.is_none());
    if usual {
        // SAFETY: the caller's block describes MR rows with `cols` writable elements each.
        unsafe {
            rows!(I < MR, {
                let row = block.c.offset(I as isize * block.c_rs);
                columns!(J < NV, {
                    let to = row.add(J * V::LANES);
                    let value = if add { sums[I][J].add(V::load(to)) } else { sums[I][J] };
                    value.store(to);
                });
            });
        }
    }
    usual
}

/// What a tile kernel does with a place of A and a vector of places of B.
pub(super) trait Step<V> {
    /// `sum` and the products.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn add(sum: V, a: V, b: V) -> V;
}

/// Each place is an element.
pub(super) struct Single;

impl<V: Vector> Step<V> for Single {
    #[inline(always)]
    unsafe fn add(sum: V, a: V, b: V) -> V {
        // SAFETY: the caller's promise.
        unsafe { sum.mul_acc(a, b) }
    }
}

/// Each place of 32 bits is two bf16, neighbours along k, whose products are both added.
#[cfg(target_arch = "x86_64")]
pub(super) struct Bf16Pairs;

#[cfg(target_arch = "x86_64")]
impl Step<__m512> for Bf16Pairs {
    #[inline(always)]
    unsafe fn add(sum: __m512, a: __m512, b: __m512) -> __m512 {
        use std::arch::x86_64::{__m512bh, _mm512_dpbf16_ps};
        // SAFETY: the caller's promise; registers of one width, of which any bits are valid.
        unsafe {
            let bits = |register| std::mem::transmute::<__m512, __m512bh>(register);
            _mm512_dpbf16_ps(sum, bits(a), bits(b))
        }
    }
}

/// `MR` rows packed, `NV` whole vectors of every row of B readable.
///
/// # Safety
/// The block's pointers cover what it describes; B is readable up to a whole vector.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector<Elem: Real>, E: End<V>, S: Step<V>, const MR: usize, const NV: usize>(
    block: &Block<V::Elem>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[V::splat(zero::<V>()); 4]; MAX_TILE_ROWS];
        let (mut a, mut b) = (block.a, block.b);
        // C's rows are far from one another, and would be waited for at the end.
        if block.beta.is_some() {
            rows!(I < MR, {
                let row = block.c.wrapping_offset(I as isize * block.c_rs);
                columns!(J < NV, {
                    fetch::<false, _>(row.wrapping_add(J * V::LANES));
                });
            });
        }
        let ahead = AHEAD as isize * block.b_stride;
        for _ in 0..block.k {
            let mut row = [V::splat(zero::<V>()); 4];
            fetch::<false, _>(a.wrapping_add(AHEAD * MR));
            columns!(J < NV, {
                fetch::<false, _>(b.wrapping_offset(ahead + (J * V::LANES) as isize));
                row[J] = V::load(b.add(J * V::LANES));
            });
            rows!(I < MR, {
                let value = V::splat(*a.add(I));
                columns!(J < NV, {
                    sums[I][J] = S::add(sums[I][J], value, row[J]);
                });
            });
            a = a.add(MR);
            b = b.wrapping_offset(block.b_stride);
        }
        if finish_usual::<V, MR, NV>(block, &sums) {
            return;
        }
        finish::<V, E, MR, NV>(block, &sums);
    }
}

/// `MR` rows where they lie; of the last vector only the present columns are read.
///
/// # Safety
/// The block's pointers cover what it describes.
#[inline(always)]
pub(super) unsafe fn direct<V: Vector, E: End<V>, const MR: usize, const NV: usize>(block: &Block<V::Elem>) {
    // SAFETY: the caller's promise.
    unsafe {
        let last = block.cols - (NV - 1) * V::LANES;
        let mut sums = [[V::splat(zero::<V>()); 4]; MAX_TILE_ROWS];
        let (mut a, mut b) = (block.a, block.b);
        for _ in 0..block.k {
            let mut row = [V::splat(zero::<V>()); 4];
            columns!(J < NV, {
                let from = b.add(J * V::LANES);
                row[J] = if J == NV - 1 { V::load_partial(from, last) } else { V::load(from) };
            });
            rows!(I < MR, {
                let value = V::splat(*a.offset(I as isize * block.a_rs));
                columns!(J < NV, {
                    sums[I][J] = sums[I][J].mul_acc(value, row[J]);
                });
            });
            a = a.wrapping_offset(block.a_cs);
            b = b.wrapping_offset(block.b_stride);
        }
        finish::<V, E, MR, NV>(block, &sums);
    }
}

/// `MR` rows of elements at `a + a_rows[i] + a_columns[p]`; `NV` whole vectors of every row of B readable.
///
/// # Safety
/// The block's pointers cover what it describes; B is readable up to a whole vector.
#[inline(always)]
pub(super) unsafe fn gather<V: Vector<Elem: Real>, E: End<V>, const MR: usize, const NV: usize>(
    block: &Block<V::Elem>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut rows = [block.a; MAX_TILE_ROWS];
        rows!(I < MR, {
            rows[I] = block.a.wrapping_offset(*block.a_rows.add(I));
        });
        let mut sums = [[V::splat(zero::<V>()); 4]; MAX_TILE_ROWS];
        let mut b = block.b;
        let ahead = (block.ahead as isize).wrapping_sub(b as isize);
        for p in 0..block.k {
            let column = *block.a_columns.add(p);
            fetch::<true, _>(b.wrapping_byte_offset(ahead));
            let mut row = [V::splat(zero::<V>()); 4];
            columns!(J < NV, {
                row[J] = V::load(b.add(J * V::LANES));
            });
            rows!(I < MR, {
                let value = V::splat(*rows[I].wrapping_offset(column));
                columns!(J < NV, {
                    sums[I][J] = sums[I][J].mul_acc(value, row[J]);
                });
                // LLVM would load the values of all rows first, and have no registers left for the sums.
                compiler_fence(Ordering::SeqCst);
            });
            b = b.wrapping_offset(block.b_stride);
        }
        if finish_usual::<V, MR, NV>(block, &sums) {
            return;
        }
        finish::<V, E, MR, NV>(block, &sums);
    }
}

/// `MR` rows by `NC` columns with k contiguous in both. The partial sums of a vector's lanes are added pairwise.
///
/// # Safety
/// The block's pointers cover what it describes.
#[inline(always)]
pub(super) unsafe fn dot<V: Vector, E: End<V>, const MR: usize, const NC: usize>(block: &Block<V::Elem>) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[V::splat(zero::<V>()); DOT_COLS]; MAX_TILE_ROWS];
        for p in (0..block.k).step_by(V::LANES) {
            let present = V::LANES.min(block.k - p);
            let load = |from: *const V::Elem| {
                let from = from.wrapping_add(p);
                // Vectors of eight lanes and more have masks, which cost nothing: there one way of loading is enough.
                if V::LANES < 8 && present == V::LANES {
                    V::load(from)
                } else {
                    V::load_partial(from, present)
                }
            };
            let mut column = [V::splat(zero::<V>()); DOT_COLS];
            columns!(J < NC, {
                column[J] = load(block.b.offset(J as isize * block.b_stride));
            });
            rows!(I < MR, {
                let value = load(block.a.offset(I as isize * block.a_rs));
                columns!(J < NC, {
                    sums[I][J] = sums[I][J].mul_acc(value, column[J]);
                });
            });
        }
        let mut copy = [[V::splat(zero::<V>()); DOT_COLS]; MR];
        rows!(I < MR, {
            columns!(J < NC, {
                copy[I][J] = sums[I][J];
            });
        });
        E::merge_lanes(block, &copy, NC);
    }
}

/// The sum of all lanes, halving pairwise.
#[inline(always)]
unsafe fn add_lanes<V: Vector>(vector: V) -> V::Elem
where
    V::Elem: std::ops::Add<Output = V::Elem>,
{
    // SAFETY: the buffer holds the most lanes there are.
    unsafe {
        let mut lanes = [zero::<V>(); 16];
        vector.store(lanes.as_mut_ptr());
        let mut n = V::LANES / 2;
        while n > 0 {
            for i in 0..n {
                lanes[i] = lanes[i] + lanes[i + n];
            }
            n /= 2;
        }
        lanes[0]
    }
}

/// Asks for the line of an address, any address, to be brought into the first-level cache, or `FAR` only into the second.
#[inline(always)]
fn fetch<const FAR: bool, T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: the instruction is a hint, which never faults, and every processor of the architecture has it.
        unsafe {
            match FAR {
                true => _mm_prefetch::<_MM_HINT_T1>(address.cast()),
                false => _mm_prefetch::<_MM_HINT_T0>(address.cast()),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// 0, whose bits are 0 in every element type here.
#[inline(always)]
fn zero<V: Vector>() -> V::Elem {
    // SAFETY: f32 and f64, the only implementors' elements, are valid with all bits 0.
    unsafe { std::mem::zeroed() }
}
