//! Sorting and selecting by keys.
//!
//! An element becomes an unsigned integer of the same order, NaN being the greatest; key and position are packed into
//! one integer. Sorting those needs no comparisons of floats, is stable since equal keys are ordered by position, and,
//! for keys of up to 32 bits, goes digit by digit (radix sort).

use std::cell::RefCell;

use super::isa::{Kernel, isa};

/// Rows at least this long are sorted by digits.
const RADIX: usize = 128;
const DIGIT: usize = 8;

/// Elements that have a key.
pub trait SortKey: Copy + Send + Sync {
    /// The number of bits of a key.
    const BITS: u32;

    /// An integer of the same order. Zeros of both signs have one key, and so have all NaNs: the greatest.
    fn key(self) -> u64;
}

macro_rules! keys {
    (int: $($t:ty as $u:ty),*) => {$(
        impl SortKey for $t {
            const BITS: u32 = <$u>::BITS;
            #[inline(always)]
            fn key(self) -> u64 { (self as $u ^ (<$t>::MIN as $u)) as u64 }
        }
    )*};
    (float: $($t:ty as $u:ty, $bits:expr, $nan:expr, $zero:expr;)*) => {$(
        impl SortKey for $t {
            const BITS: u32 = <$u>::BITS;
            #[inline(always)]
            fn key(self) -> u64 {
                let to_bits: fn($t) -> $u = $bits;
                let (is_nan, is_zero): (fn($t) -> bool, fn($t) -> bool) = ($nan, $zero);
                let sign: $u = 1 << (<$u>::BITS - 1);
                let bits = if is_zero(self) { 0 } else { to_bits(self) };
                let key = if bits & sign != 0 { !bits } else { bits | sign };
                if is_nan(self) { <$u>::MAX as u64 } else { key as u64 }
            }
        }
    )*};
}
keys!(int: u8 as u8, i8 as u8, i16 as u16, i32 as u32, i64 as u64);
keys! { float:
    f32 as u32, f32::to_bits, |x| x.is_nan(), |x| x == 0.0;
    f64 as u64, f64::to_bits, |x| x.is_nan(), |x| x == 0.0;
    crate::f16 as u16, |x| x.to_bits(), |x| x.is_nan(), |x| x.to_bits() << 1 == 0;
    crate::bf16 as u16, |x| x.to_bits(), |x| x.is_nan(), |x| x.to_bits() << 1 == 0;
}

/// Memory that is used again for each row of a piece of work.
#[derive(Default)]
pub struct Scratch {
    narrow: Vec<u64>,
    buffer: Vec<u64>,
    wide: Vec<u128>,
}

/// Elements of a row for which a thread keeps memory at most.
const KEPT: usize = 1 << 20;

/// Calls `f` with the memory that this thread keeps for sorting.
pub fn with_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let result = f(scratch);
        let most = [scratch.narrow.capacity(), scratch.buffer.capacity(), scratch.wide.capacity()];
        if most.into_iter().any(|capacity| capacity > KEPT) {
            *scratch = Scratch::default();
        }
        result
    })
}

/// Keys in the wanted direction.
#[inline(always)]
fn directed<T: SortKey>(value: T, descending: bool) -> u64 {
    let mask = if T::BITS == 64 { u64::MAX } else { (1 << T::BITS) - 1 };
    if descending { !value.key() & mask } else { value.key() }
}

/// A key and a position in one integer, which orders by keys and, where those are equal, by positions.
trait Packed: Copy + Ord + Default {
    fn pack(key: u64, position: usize) -> Self;
    fn key(self) -> u64;
    fn position(self) -> usize;
}

/// For keys of up to 32 bits.
impl Packed for u64 {
    #[inline(always)]
    fn pack(key: u64, position: usize) -> Self {
        key << 32 | position as u64
    }
    #[inline(always)]
    fn key(self) -> u64 {
        self >> 32
    }
    #[inline(always)]
    fn position(self) -> usize {
        self as u32 as usize
    }
}

impl Packed for u128 {
    #[inline(always)]
    fn pack(key: u64, position: usize) -> Self {
        u128::from(key) << 64 | position as u128
    }
    #[inline(always)]
    fn key(self) -> u64 {
        (self >> 64) as u64
    }
    #[inline(always)]
    fn position(self) -> usize {
        self as u64 as usize
    }
}

fn pack<T: SortKey, P: Packed>(row: &[T], descending: bool, packed: &mut Vec<P>) {
    packed.clear();
    packed.extend(row.iter().enumerate().map(|(at, &x)| P::pack(directed(x, descending), at)));
}

/// Calls `visit(rank, position)` for the elements of a row, of at most 2³² elements, in sorted order; equal ones in the
/// order in which they stand.
pub fn sort_row<T: SortKey>(
    row: &[T],
    descending: bool,
    scratch: &mut Scratch,
    mut visit: impl FnMut(usize, usize),
) {
    if T::BITS <= 32 {
        pack(row, descending, &mut scratch.narrow);
        if row.len() < RADIX {
            scratch.narrow.sort_unstable();
        } else {
            radix(&mut scratch.narrow, &mut scratch.buffer, T::BITS as usize / DIGIT);
        }
        scratch.narrow.iter().enumerate().for_each(|(rank, packed)| visit(rank, packed.position()));
    } else {
        pack(row, descending, &mut scratch.wide);
        scratch.wide.sort_unstable();
        scratch.wide.iter().enumerate().for_each(|(rank, packed)| visit(rank, packed.position()));
    }
}

/// As [`sort_row`], for the first `count` elements of the order, at most as many as there are.
pub fn first_of_row<T: SortKey>(
    row: &[T],
    count: usize,
    descending: bool,
    scratch: &mut Scratch,
    visit: impl FnMut(usize, usize),
) {
    if T::BITS <= 32 {
        first(row, count, descending, &mut scratch.narrow, visit);
    } else {
        first(row, count, descending, &mut scratch.wide, visit);
    }
}

fn first<T: SortKey, P: Packed>(
    row: &[T],
    count: usize,
    descending: bool,
    packed: &mut Vec<P>,
    mut visit: impl FnMut(usize, usize),
) {
    if count == 0 {
        return;
    }
    let candidates = if count <= row.len() / FEW {
        let len = isa().run(Candidates { row, count, descending, packed });
        &mut packed[..len]
    } else {
        pack(row, descending, packed);
        &mut packed[..]
    };
    if count < candidates.len() {
        candidates.select_nth_unstable(count - 1);
    }
    let first = &mut candidates[..count];
    first.sort_unstable();
    first.iter().enumerate().for_each(|(rank, packed)| visit(rank, packed.position()));
}

/// A share of a row below which its first elements are looked for with a limit.
const FEW: usize = 8;
/// Elements that are compared with the limit at once.
const BLOCK: usize = 64;

/// Packs elements of a row until those are among them that come first; their number is the result.
///
/// Now and then the candidates so far are cut down to `count`, and the last of those is the limit for what follows. Most
/// blocks of a long row then have nothing below it, which a few vector comparisons tell.
struct Candidates<'a, T, P> {
    row: &'a [T],
    count: usize,
    descending: bool,
    packed: &'a mut Vec<P>,
}

impl<T: SortKey, P: Packed> Kernel for Candidates<'_, T, P> {
    type Output = usize;
    const WIDE: bool = size_of::<T>() == 4;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> usize {
        let Self { row, count, descending, packed } = self;
        let enough = (2 * count).max(BLOCK);
        if packed.len() < enough + BLOCK {
            packed.resize(enough + BLOCK, P::default());
        }
        let (mut len, mut limit) = (0, u64::MAX);
        for (index, block) in row.chunks(BLOCK).enumerate() {
            // Not `any`, which would leave the loop early and keep it from being vectorised.
            if !block.iter().fold(false, |any, &x| any | (directed(x, descending) <= limit)) {
                continue;
            }
            for (at, &x) in block.iter().enumerate() {
                let key = directed(x, descending);
                packed[len] = P::pack(key, index * BLOCK + at);
                len += usize::from(key <= limit);
            }
            if len >= enough {
                let (_, last, _) = packed[..len].select_nth_unstable(count - 1);
                len = count;
                // Equal keys further on come after those that are here.
                match last.key().checked_sub(1) {
                    Some(below) => limit = below,
                    None => break,
                }
            }
        }
        len
    }
}

/// The position of the element of rank `rank` in ascending order.
pub fn nth_of_row<T: SortKey>(row: &[T], rank: usize, scratch: &mut Scratch) -> usize {
    if T::BITS <= 32 {
        pack(row, false, &mut scratch.narrow);
        scratch.narrow.select_nth_unstable(rank).1.position()
    } else {
        pack(row, false, &mut scratch.wide);
        scratch.wide.select_nth_unstable(rank).1.position()
    }
}

/// Sorts by the bytes from the fifth on, least first. A byte that is the same in all is skipped.
fn radix(packed: &mut Vec<u64>, buffer: &mut Vec<u64>, digits: usize) {
    const BINS: usize = 1 << DIGIT;
    let byte = |value: u64, digit: usize| (value >> (32 + DIGIT * digit)) as usize & (BINS - 1);
    let mut counts = [[0u32; BINS]; 4];
    for &value in packed.iter() {
        for (digit, counts) in counts[..digits].iter_mut().enumerate() {
            counts[byte(value, digit)] += 1;
        }
    }
    buffer.clear();
    buffer.resize(packed.len(), 0);
    for (digit, counts) in counts[..digits].iter().enumerate() {
        if counts.contains(&(packed.len() as u32)) {
            continue;
        }
        let mut starts = [0usize; BINS];
        let mut start = 0;
        for (slot, &count) in starts.iter_mut().zip(counts) {
            *slot = start;
            start += count as usize;
        }
        for &value in packed.iter() {
            let slot = &mut starts[byte(value, digit)];
            buffer[*slot] = value;
            *slot += 1;
        }
        std::mem::swap(packed, buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order<T: SortKey>(row: &[T], descending: bool) -> Vec<usize> {
        let mut order = vec![0; row.len()];
        sort_row(row, descending, &mut Scratch::default(), |rank, at| order[rank] = at);
        order
    }

    #[test]
    fn orders_are_stable_and_nan_is_greatest() {
        let row = [2.0f32, f32::NAN, -0.0, 0.0, f32::NEG_INFINITY, -f32::NAN, f32::INFINITY];
        assert_eq!(order(&row, false), [4, 2, 3, 0, 6, 1, 5]);
        assert_eq!(order(&row, true), [1, 5, 6, 0, 2, 3, 4]);
        assert_eq!(order(&row.map(f64::from), false), [4, 2, 3, 0, 6, 1, 5]);
        assert_eq!(order(&[3i8, -128, 127, 3], true), [2, 0, 3, 1]);
    }

    #[test]
    fn long_rows_agree_with_the_standard_library() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        let row: Vec<f32> =
            (0..5000).map(|_| (next() as f32 - 2.0e9) * if next() % 2 == 0 { 1e-3 } else { 1.0 }).collect();
        let mut expected: Vec<usize> = (0..row.len()).collect();
        for descending in [false, true] {
            expected.sort_by(
                |&a, &b| if descending { row[b].total_cmp(&row[a]) } else { row[a].total_cmp(&row[b]) },
            );
            let got = order(&row, descending);
            assert!(got.iter().zip(&expected).all(|(&a, &b)| row[a] == row[b]));
            for count in [1, 17, 625, 626, 5000] {
                let mut first = Vec::new();
                first_of_row(&row, count, descending, &mut Scratch::default(), |_, at| first.push(at));
                assert_eq!(first, got[..count]);
            }
        }
        // Rows that are in order already: every element, or none after the first block, is below the limit. And equal ones.
        for step in [1, -1, 0] {
            let row: Vec<i64> = (0..1000).map(|at| step * at + i64::MIN * i64::from(step == 0)).collect();
            for descending in [false, true] {
                let mut first = Vec::new();
                first_of_row(&row, 100, descending, &mut Scratch::default(), |_, at| first.push(at));
                assert_eq!(first, order(&row, descending)[..100]);
            }
        }
        let ascending = order(&row, false);
        assert_eq!(nth_of_row(&row, 99, &mut Scratch::default()), ascending[99]);
        let small: Vec<i16> = row.iter().map(|&x| x as i16).collect();
        assert!(
            order(&small, false).windows(2).all(|pair| (small[pair[0]], pair[0]) < (small[pair[1]], pair[1]))
        );
    }
}
