//! What is compiled for each of the some sixty folds of a dtype, and no more.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::fold::Fold;
use crate::{Isa, Kernel, keep_small, stream};

/// Lanes side by side: enough for the latency of an addition at any vector width.
const LANES: usize = 64;
/// Elements of a row that are taken in before the lanes are cut off.
pub(super) const BLOCK: usize = 4096;
/// Columns at a time.
pub(super) const COLUMNS: usize = 64;
/// Rows of a column that are taken in before the lanes are cut off.
pub(super) const DEPTH: usize = 64;

/// Room for an accumulator of any fold.
pub(super) type Slot = MaybeUninit<u128>;

/// Room for the accumulators of a block of columns, which lie one behind the other.
pub(super) type Slots = [Slot; COLUMNS];

/// The code of one fold of one dtype.
///
/// All pointers to elements are to as many as the sizes say, those to accumulators to as many that have been cleared.
pub struct Loops {
    /// Bytes of an element.
    pub(super) element: usize,
    /// Bytes of an element as `row` and `columns` take it.
    pub(super) taken: usize,
    /// Makes elements what `row` and `columns` take, if that is another type.
    pub(super) widen: Option<Widen>,
    /// Bytes of a result.
    pub(super) result: usize,
    /// Makes so many accumulators those of no numbers.
    pub(super) clear: unsafe fn(accs: *mut Slot, n: usize),
    /// Takes consecutive elements into an accumulator; reads ahead if told to.
    pub(super) row: unsafe fn(isa: Isa, from: *const u8, n: usize, ahead: bool, acc: *mut Slot),
    /// Takes rows of consecutive elements, `stride` from one to the next, into an accumulator per column.
    pub(super) columns:
        unsafe fn(isa: Isa, from: *const u8, stride: usize, sizes: [usize; 2], accs: *mut Slot),
    /// Puts the second accumulators together with the first.
    pub(super) combine: unsafe fn(accs: *mut Slot, others: *const Slot, n: usize),
    /// Writes the results, `stride` elements apart.
    pub(super) finish: unsafe fn(accs: *const Slot, n: usize, to: *mut u8, stride: usize, divisor: f64),
}

/// Converts `n` elements, `stride` apart, to neighbouring ones of another type.
pub(super) type Widen = unsafe fn(from: *const u8, stride: usize, n: usize, to: *mut u8);

/// Numbers that are folded as numbers `W` are, once they have been converted, block by block: half types and small integers have no
/// loops of their own.
pub(super) trait FoldedAs<W>: Copy {
    /// The number as the other type.
    fn widen(self) -> W;
}

/// [`Widen`] for two types.
unsafe fn widen<T: FoldedAs<W>, W>(from: *const u8, stride: usize, n: usize, to: *mut u8) {
    let (from, to) = (from.cast::<T>(), to.cast::<W>());
    // SAFETY: the caller promises the elements, and room for them.
    unsafe {
        if stride == 1 {
            (0..n).for_each(|i| to.add(i).write(from.add(i).read().widen()));
        } else {
            (0..n).for_each(|i| to.add(i).write(from.add(i * stride).read().widen()));
        }
    }
}

impl Loops {
    /// Those of numbers that are folded as others.
    pub(super) fn widened<F, T: FoldedAs<W>, W: Copy>() -> Self
    where
        F: Fold<T> + Fold<W, Acc = <F as Fold<T>>::Acc>,
    {
        Self {
            element: size_of::<T>(),
            widen: Some(widen::<T, W>),
            result: size_of::<<F as Fold<T>>::Out>(),
            finish: finish::<F, T>,
            ..<F as Fold<W>>::loops()
        }
    }

    /// Those of numbers that are folded as they are.
    pub(super) fn of<F: Fold<T>, T: Copy>() -> Self {
        const { assert!(size_of::<F::Acc>() <= size_of::<Slot>() && align_of::<F::Acc>() <= align_of::<Slot>()) };
        Self {
            element: size_of::<T>(),
            taken: size_of::<T>(),
            widen: None,
            result: size_of::<F::Out>(),
            clear: |accs, n| {
                // SAFETY: as said at `Loops`; so below.
                (0..n).for_each(|i| unsafe { accs.cast::<F::Acc>().add(i).write(F::ACC) });
            },
            row: |isa, from, n, ahead, acc| {
                let acc = acc.cast::<F::Acc>();
                for start in (0..n).step_by(BLOCK) {
                    let from = from.cast::<T>().wrapping_add(start);
                    let row = Row::<F, T> { from, n: BLOCK.min(n - start), ahead, fold: PhantomData };
                    let lane = isa.run(row);
                    // SAFETY: as above.
                    unsafe { acc.write(F::absorb(acc.read(), lane)) };
                }
            },
            columns: |isa, from, row, sizes, accs| {
                // SAFETY: as above.
                let accs = unsafe { std::slice::from_raw_parts_mut(accs.cast::<F::Acc>(), sizes[1]) };
                isa.run(Columns::<F, T> { from: from.cast(), row, sizes, accs });
            },
            combine: |accs, others, n| {
                let (accs, others) = (accs.cast::<F::Acc>(), others.cast::<F::Acc>());
                // SAFETY: as above.
                (0..n).for_each(|i| unsafe {
                    accs.add(i).write(F::combine(accs.add(i).read(), others.add(i).read()));
                });
            },
            finish: finish::<F, T>,
        }
    }
}

/// What [`Loops`] call `finish`.
unsafe fn finish<F: Fold<T>, T: Copy>(accs: *const Slot, n: usize, to: *mut u8, stride: usize, divisor: f64) {
    let (accs, to) = (accs.cast::<F::Acc>(), to.cast::<F::Out>());
    // SAFETY: as said at `Loops`.
    (0..n).for_each(|i| unsafe { to.add(i * stride).write(F::finish(accs.add(i).read(), divisor)) });
}

/// [`LANES`]; without `FMA` a number that the compiler does not know, so that loops over lanes are not written out.
#[inline(always)]
fn lanes_in<const FMA: bool>() -> usize {
    if FMA { LANES } else { std::hint::black_box(LANES) }
}

/// Up to [`BLOCK`] consecutive elements.
#[inline(always)]
unsafe fn row<F: Fold<T>, T: Copy, const FMA: bool>(from: *const T, n: usize, ahead: bool) -> F::Lane {
    let mut lanes = [F::LANE; LANES];
    let whole = n - n % LANES;
    // SAFETY: the caller promises `n` elements.
    unsafe {
        for at in (0..whole).step_by(LANES) {
            if ahead {
                stream::read_ahead(from.add(at).cast(), LANES * size_of::<T>());
            }
            for (lane, slot) in lanes[..lanes_in::<FMA>()].iter_mut().enumerate() {
                keep_small::<FMA>();
                *slot = F::step(*slot, from.add(at + lane).read());
            }
        }
        let mut tail = F::LANE;
        for at in whole..n {
            keep_small::<FMA>();
            tail = F::step(tail, from.add(at).read());
        }
        if whole == 0 {
            return tail;
        }
        // What a function is given the address of has to lie in memory; a copy leaves the lanes in registers.
        let mut copy = [F::LANE; LANES];
        #[expect(clippy::manual_memcpy, reason = "a copy of the whole is none for LLVM")]
        for lane in 0..LANES {
            copy[lane] = lanes[lane];
        }
        F::join(join_lanes::<F, T>(&mut copy), tail)
    }
}

/// All lanes put together, pairwise. Not inlined: for each instruction set again it would be most of the code of [`row`].
#[inline(never)]
fn join_lanes<F: Fold<T>, T: Copy>(lanes: &mut [F::Lane; LANES]) -> F::Lane {
    let mut width = LANES / 2;
    while width > 0 {
        let (left, right) = lanes.split_at_mut(width);
        for (a, &b) in left.iter_mut().zip(&*right) {
            *a = F::join(*a, b);
        }
        width /= 2;
    }
    lanes[0]
}

/// Rows of up to [`COLUMNS`] consecutive columns.
#[inline(always)]
unsafe fn columns<F: Fold<T>, T: Copy, const FMA: bool>(
    from: *const T,
    row: usize,
    [rows, width]: [usize; 2],
    accs: &mut [F::Acc],
) {
    for start in (0..rows).step_by(DEPTH) {
        let mut lanes = [F::LANE; COLUMNS];
        for r in start..rows.min(start + DEPTH) {
            let from = from.wrapping_add(r * row);
            // SAFETY: the caller promises the elements.
            unsafe {
                if FMA && width == COLUMNS {
                    for (c, lane) in lanes.iter_mut().enumerate() {
                        *lane = F::step(*lane, from.add(c).read());
                    }
                } else {
                    for (c, lane) in lanes[..width].iter_mut().enumerate() {
                        keep_small::<FMA>();
                        *lane = F::step(*lane, from.add(c).read());
                    }
                }
            }
        }
        absorb::<F, T>(accs, &lanes);
    }
}

#[inline(never)]
fn absorb<F: Fold<T>, T: Copy>(accs: &mut [F::Acc], lanes: &[F::Lane; COLUMNS]) {
    for (acc, &lane) in accs.iter_mut().zip(lanes) {
        *acc = F::absorb(*acc, lane);
    }
}

/// Whether 512 bits are worth their compilation: for numbers of 32 bits that are folded as they are.
const fn wide<F: Fold<T>, T: Copy>() -> bool {
    size_of::<T>() == 4 && size_of::<F::Lane>() == 4
}

/// [`row`] as code to be compiled for each instruction set.
struct Row<F, T> {
    from: *const T,
    n: usize,
    ahead: bool,
    fold: PhantomData<F>,
}

impl<F: Fold<T>, T: Copy> Kernel for Row<F, T> {
    type Output = F::Lane;
    const WIDE: bool = wide::<F, T>();
    #[inline(always)]
    fn run<const FMA: bool>(self) -> F::Lane {
        // SAFETY: whoever made this knows of `n` elements.
        unsafe { row::<F, T, FMA>(self.from, self.n, self.ahead) }
    }
}

/// [`columns`] as code to be compiled for each instruction set.
struct Columns<'a, F: Fold<T>, T: Copy> {
    from: *const T,
    /// From a row to the next.
    row: usize,
    /// Rows and columns.
    sizes: [usize; 2],
    accs: &'a mut [F::Acc],
}

impl<F: Fold<T>, T: Copy> Kernel for Columns<'_, F, T> {
    type Output = ();
    const WIDE: bool = wide::<F, T>();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // SAFETY: whoever made this knows of the elements.
        unsafe { columns::<F, T, FMA>(self.from, self.row, self.sizes, self.accs) }
    }
}
