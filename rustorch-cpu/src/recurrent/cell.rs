//! The gates, forward and backward, for a group of sequences and a block of units.
//!
//! Values go through arrays of a fixed length on the stack: those LLVM turns into vectors, whatever the many pointers may be
//! suspected to overlap.

use super::Cell;
use crate::vector::{Vector, VectorKernel};
use crate::{Float, keep_small};

/// Units computed at a time.
const LANES: usize = 16;
type Lanes<T> = [T; LANES];

/// `n` values.
#[inline(always)]
unsafe fn load<T: Float>(from: *const T, n: usize) -> Lanes<T> {
    let mut lanes = [T::ZERO; LANES];
    // SAFETY: the caller's promise.
    unsafe {
        if n == LANES {
            from.cast::<Lanes<T>>().read_unaligned()
        } else {
            from.copy_to_nonoverlapping(lanes.as_mut_ptr(), n);
            lanes
        }
    }
}

#[inline(always)]
unsafe fn store<T: Float>(lanes: &Lanes<T>, to: *mut T, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if n == LANES {
            to.cast::<Lanes<T>>().write_unaligned(*lanes);
        } else {
            lanes.as_ptr().copy_to_nonoverlapping(to, n);
        }
    }
}

#[inline(always)]
fn make<T: Float, const FMA: bool>(f: impl Fn(usize) -> T) -> Lanes<T> {
    let mut lanes = [T::ZERO; LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        keep_small::<FMA>();
        *lane = f(i);
    }
    lanes
}

/// Memory of the first sequence of the group, at the first unit of the block; further sequences are `hidden` elements on, of the gates
/// `values · hidden`.
pub(super) struct Place<T> {
    /// In: the gates' sums. Out: the gates.
    pub gates: *mut T,
    /// The step's output.
    pub y: *mut T,
    /// From a sequence's output to the next.
    pub y_stride: usize,
    /// The running state.
    pub h: *mut T,
    /// The running cells.
    pub c: *mut T,
    /// Where the cells before the step are kept.
    pub cells: Option<*mut T>,
}

/// A step's new states.
pub(super) struct Apply<T> {
    pub cell: Cell,
    pub hidden: usize,
    pub rows: usize,
    pub columns: usize,
    /// The state's bias of the GRU's candidate.
    pub candidate_bias: Option<*const T>,
    pub place: Place<T>,
}

impl<T: Float> VectorKernel<T> for Apply<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let (hidden, place) = (self.hidden, &self.place);
        for i in 0..self.rows {
            for j in (0..self.columns).step_by(LANES) {
                let n = LANES.min(self.columns - j);
                let gates = place.gates.wrapping_add(i * self.cell.values() * hidden + j);
                let gate = |g: usize| gates.wrapping_add(g * hidden);
                let at = |base: *mut T| base.wrapping_add(i * hidden + j);
                // SAFETY: the promise of the callers of `forward`; the places are disjoint.
                unsafe {
                    let h = match self.cell {
                        Cell::Tanh | Cell::Relu => {
                            let sum = load(gate(0), n);
                            let h = if self.cell == Cell::Tanh {
                                make::<_, FMA>(|l| sum[l].tanh::<FMA>())
                            } else {
                                make::<_, FMA>(|l| if sum[l] < T::ZERO { T::ZERO } else { sum[l] })
                            };
                            store(&h, gate(0), n);
                            h
                        }
                        Cell::Lstm => lstm::<T, FMA>(&gate, at(place.c), place.cells.map(at), n),
                        Cell::Gru => {
                            gru::<T, FMA>(&gate, self.candidate_bias.map(|b| b.add(j)), at(place.h), n)
                        }
                    };
                    store(&h, place.y.wrapping_add(i * place.y_stride + j), n);
                    store(&h, at(place.h), n);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn lstm<T: Float, const FMA: bool>(
    gate: &impl Fn(usize) -> *mut T,
    cells: *mut T,
    kept: Option<*mut T>,
    n: usize,
) -> Lanes<T> {
    // SAFETY: the caller's promise.
    unsafe {
        let (i, f, g, o) = (load(gate(0), n), load(gate(1), n), load(gate(2), n), load(gate(3), n));
        let before = load(cells, n);
        if let Some(kept) = kept {
            store(&before, kept, n);
        }
        let i = make::<_, FMA>(|l| i[l].sigmoid::<FMA>());
        let f = make::<_, FMA>(|l| f[l].sigmoid::<FMA>());
        let g = make::<_, FMA>(|l| g[l].tanh::<FMA>());
        let o = make::<_, FMA>(|l| o[l].sigmoid::<FMA>());
        let c = make::<_, FMA>(|l| f[l].mul_add::<FMA>(before[l], i[l] * g[l]));
        store(&c, cells, n);
        [(0, &i), (1, &f), (2, &g), (3, &o)]
            .into_iter()
            .for_each(|(index, lanes)| store(lanes, gate(index), n));
        make::<_, FMA>(|l| o[l] * c[l].tanh::<FMA>())
    }
}

#[inline(always)]
unsafe fn gru<T: Float, const FMA: bool>(
    gate: &impl Fn(usize) -> *mut T,
    bias: Option<*const T>,
    state: *const T,
    n: usize,
) -> Lanes<T> {
    // SAFETY: the caller's promise.
    unsafe {
        let (r, z, a, u) = (load(gate(0), n), load(gate(1), n), load(gate(2), n), load(gate(3), n));
        let (h, d) = (load(state, n), bias.map_or([T::ZERO; LANES], |bias| load(bias, n)));
        let u = make::<_, FMA>(|l| u[l] + d[l]);
        let r = make::<_, FMA>(|l| r[l].sigmoid::<FMA>());
        let z = make::<_, FMA>(|l| z[l].sigmoid::<FMA>());
        let a = make::<_, FMA>(|l| r[l].mul_add::<FMA>(u[l], a[l]).tanh::<FMA>());
        [(0, &r), (1, &z), (2, &a), (3, &u)]
            .into_iter()
            .for_each(|(index, lanes)| store(lanes, gate(index), n));
        make::<_, FMA>(|l| z[l].mul_add::<FMA>(h[l] - a[l], a[l]))
    }
}

/// Memory of the first sequence of the group at the first unit of the block, as in [`Place`].
pub(super) struct GradPlace<T> {
    /// The gates.
    pub gates: *const T,
    /// The cells or state before the step.
    pub before: *const T,
    /// The gradient of the step's output, if there is one.
    pub dy: Option<*const T>,
    /// From a sequence's to the next.
    pub dy_stride: usize,
    /// In: the gradient of the state, from later steps. Out: that part of the state before, if any, which does not come
    /// through the weights.
    pub dh: *mut T,
    /// The gradient of the cells, after and before the step.
    pub dc: *mut T,
    /// The gradients of the gates' sums.
    pub dgates: *mut T,
    /// Their sums over the group and all steps, `[values · hidden]`.
    pub sums: *mut T,
}

/// A step's gradients.
pub(super) struct Undo<T> {
    pub cell: Cell,
    pub hidden: usize,
    pub rows: usize,
    pub columns: usize,
    pub place: GradPlace<T>,
}

impl<T: Float> VectorKernel<T> for Undo<T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let (hidden, place) = (self.hidden, &self.place);
        let width = self.cell.values() * hidden;
        for j in (0..self.columns).step_by(LANES) {
            let n = LANES.min(self.columns - j);
            let mut sums = [[T::ZERO; LANES]; 4];
            for i in 0..self.rows {
                let gate = |g: usize| place.gates.wrapping_add(i * width + g * hidden + j);
                let at = |base: *mut T| base.wrapping_add(i * hidden + j);
                let before = place.before.wrapping_add(i * hidden + j);
                // SAFETY: the promise of the callers of `backward`; the places are disjoint.
                unsafe {
                    let mut dh = load(at(place.dh), n);
                    if let Some(dy) = place.dy {
                        let dy = load(dy.add(i * place.dy_stride + j), n);
                        dh = make::<_, FMA>(|l| dh[l] + dy[l]);
                    }
                    let (dgates, rest) = match self.cell {
                        Cell::Tanh => {
                            let y = load(gate(0), n);
                            (
                                [make::<_, FMA>(|l| dh[l] * (T::ONE - y[l] * y[l])), dh, dh, dh],
                                [T::ZERO; LANES],
                            )
                        }
                        Cell::Relu => {
                            let y = load(gate(0), n);
                            let passed = make::<_, FMA>(|l| if y[l] > T::ZERO { dh[l] } else { T::ZERO });
                            ([passed, dh, dh, dh], [T::ZERO; LANES])
                        }
                        Cell::Lstm => {
                            let dc = at(place.dc);
                            (lstm_back::<T, FMA>(&gate, before, &dh, dc, n), [T::ZERO; LANES])
                        }
                        Cell::Gru => gru_back::<T, FMA>(&gate, before, &dh, n),
                    };
                    store(&rest, at(place.dh), n);
                    for g in 0..self.cell.values() {
                        store(&dgates[g], place.dgates.add(i * width + g * hidden + j), n);
                        let sum = sums[g];
                        sums[g] = make::<_, FMA>(|l| sum[l] + dgates[g][l]);
                    }
                }
            }
            for (g, sum) in sums.iter().enumerate().take(self.cell.values()) {
                let to = place.sums.wrapping_add(g * hidden + j);
                // SAFETY: as above.
                unsafe {
                    let before = load(to, n);
                    store(&make::<_, FMA>(|l| before[l] + sum[l]), to, n);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn lstm_back<T: Float, const FMA: bool>(
    gate: &impl Fn(usize) -> *const T,
    before: *const T,
    dh: &Lanes<T>,
    dcells: *mut T,
    n: usize,
) -> [Lanes<T>; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (i, f, g, o) = (load(gate(0), n), load(gate(1), n), load(gate(2), n), load(gate(3), n));
        let (before, later) = (load(before, n), load(dcells, n));
        // As on the way forward, to the bit.
        let t = make::<_, FMA>(|l| f[l].mul_add::<FMA>(before[l], i[l] * g[l]).tanh::<FMA>());
        let dc = make::<_, FMA>(|l| (dh[l] * o[l]).mul_add::<FMA>(T::ONE - t[l] * t[l], later[l]));
        store(&make::<_, FMA>(|l| dc[l] * f[l]), dcells, n);
        [
            make::<_, FMA>(|l| dc[l] * g[l] * i[l] * (T::ONE - i[l])),
            make::<_, FMA>(|l| dc[l] * before[l] * f[l] * (T::ONE - f[l])),
            make::<_, FMA>(|l| dc[l] * i[l] * (T::ONE - g[l] * g[l])),
            make::<_, FMA>(|l| dh[l] * t[l] * o[l] * (T::ONE - o[l])),
        ]
    }
}

/// The gradients of the sums, and the part of the state's that does not come through the weights.
#[inline(always)]
unsafe fn gru_back<T: Float, const FMA: bool>(
    gate: &impl Fn(usize) -> *const T,
    before: *const T,
    dh: &Lanes<T>,
    n: usize,
) -> ([Lanes<T>; 4], Lanes<T>) {
    // SAFETY: the caller's promise.
    unsafe {
        let (r, z, a, u) = (load(gate(0), n), load(gate(1), n), load(gate(2), n), load(gate(3), n));
        let before = load(before, n);
        let da = make::<_, FMA>(|l| dh[l] * (T::ONE - z[l]) * (T::ONE - a[l] * a[l]));
        let dgates = [
            make::<_, FMA>(|l| da[l] * u[l] * r[l] * (T::ONE - r[l])),
            make::<_, FMA>(|l| dh[l] * (before[l] - a[l]) * z[l] * (T::ONE - z[l])),
            da,
            make::<_, FMA>(|l| da[l] * r[l]),
        ];
        (dgates, make::<_, FMA>(|l| dh[l] * z[l]))
    }
}
