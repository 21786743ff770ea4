//! Windows of 2×2 side by side: the maximum of every one, which of the four it was, and the gradients.

use super::{MOST, Number, Pooling};
use crate::vector::{Vector, VectorKernel};
use crate::{Float, Isa, parallel};

/// The greatest of every 2×2 values of a plane, NaN if there is one: `rows` by `columns` results, contiguous, from rows at a
/// distance of `pitch`. `codes` gets which of the four it was, 0 to 3 in row-major order, the first among equals.
///
/// # Safety
/// The pointers cover what is described.
pub unsafe fn halve<T: Number>(
    isa: Isa,
    [rows, columns]: [usize; 2],
    x: *const T,
    pitch: usize,
    y: *mut T,
    codes: Option<*mut u8>,
) {
    // SAFETY: the caller's promise.
    let put = |at: usize, n: usize, code: &[T; MOST]| unsafe {
        if let Some(codes) = codes {
            let bytes = code.map(|code| code.code() as u8);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), codes.add(at), n);
        }
    };
    T::dispatch(isa, Halve { rows, columns, x, pitch, y, put, wanted: codes.is_some() });
}

/// The maxima of a plane and their places.
///
/// # Safety
/// The pointers cover the plane.
pub(super) unsafe fn max_plane<T: Number>(
    isa: Isa,
    pooling: &Pooling<'_>,
    x: *const T,
    y: *mut T,
    places: Option<*mut i32>,
) {
    let (columns, pitch) = (pooling.columns.len(), pooling.size[1]);
    // SAFETY: the caller's promise; a vector of results stays within a row.
    let put = |at: usize, n: usize, code: &[T; MOST]| unsafe {
        if let Some(places) = places {
            let (row, column) = (at / columns, at % columns);
            let first = (2 * row * pitch + 2 * column) as i32;
            let place = |j: usize| {
                let code = code[j].code();
                first + 2 * j as i32 + (code >> 1) * pitch as i32 + (code & 1)
            };
            let all: [i32; MOST] = std::array::from_fn(place);
            std::ptr::copy_nonoverlapping(all.as_ptr(), places.add(at), n);
        }
    };
    let rows = pooling.rows.len();
    T::dispatch(isa, Halve { rows, columns, x, pitch, y, put, wanted: places.is_some() });
}

struct Halve<T, F> {
    rows: usize,
    columns: usize,
    x: *const T,
    pitch: usize,
    y: *mut T,
    /// Takes the codes of `n` results from an index on; the others are whole numbers, too.
    put: F,
    wanted: bool,
}

impl<T: Float, F: Fn(usize, usize, &[T; MOST])> VectorKernel<T> for Halve<T, F> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        // SAFETY: the maker's promise; no more than the columns there are is touched.
        unsafe {
            let [zero, one, two] = [0.0, 1.0, 2.0].map(|code| V::splat(T::of(code)));
            let mut codes = [T::ZERO; MOST];
            for row in 0..self.rows {
                let upper = self.x.add(2 * row * self.pitch);
                for first in (0..self.columns).step_by(V::LANES) {
                    let n = V::LANES.min(self.columns - first);
                    let at = upper.add(2 * first);
                    let top = pairs::<V>(at, n, zero, one);
                    let bottom = pairs::<V>(at.add(self.pitch), n, zero, one);
                    let at = row * self.columns + first;
                    V::pick(top.0, bottom.0, bottom.0, top.0).store_partial(self.y.add(at), n);
                    if self.wanted {
                        let code = V::pick(top.0, bottom.0, bottom.1.add(two), top.1);
                        code.store(codes.as_mut_ptr());
                        (self.put)(at, n, &codes);
                    }
                }
            }
        }
    }
}

/// The greater of `n` pairs of neighbours, and which it was.
#[inline(always)]
unsafe fn pairs<V: Vector>(from: *const V::Elem, n: usize, zero: V, one: V) -> (V, V) {
    // SAFETY: the caller has `2·n` values.
    unsafe {
        let low = V::load_partial(from, (2 * n).min(V::LANES));
        let high =
            if 2 * n > V::LANES { V::load_partial(from.add(V::LANES), 2 * n - V::LANES) } else { zero };
        let (even, odd) = low.unzip(high);
        (V::pick(even, odd, odd, even), V::pick(even, odd, one, zero))
    }
}

/// What [`halve_backward`] reads and writes: contiguous planes of `size` and of half of it, rounded down.
#[derive(Clone, Copy, Debug)]
pub struct HalveBackward<T> {
    /// Planes.
    pub planes: usize,
    /// Height and width of `dx`.
    pub size: [usize; 2],
    /// The gradient of the maxima.
    pub dy: *const T,
    /// Which of the four every maximum was.
    pub codes: *const u8,
    /// The maxima, if they went through ReLU, before or after: a gradient goes on where they are above 0.
    pub gate: Option<*const T>,
    /// The gradient of what was pooled; may be uninitialised.
    pub dx: *mut T,
}

entry_points! {
    trait Entry<T> {
        /// The gradient of [`halve`], and of ReLU on either side of it: each element of `dy` goes to its maximum's place, the others get 0.
        ///
        /// # Safety
        /// The pointers cover what is described; `dx` overlaps none of the others.
        pub unsafe fn halve_backward(isa: Isa, work: &HalveBackward<T>) = halve_backward_of;
    }
}

/// [`halve_backward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn halve_backward_of<T: Number>(isa: Isa, work: &HalveBackward<T>) {
    let [height, width] = work.size;
    let (input, output) = (height * width, height / 2 * (width / 2));
    let shared = parallel::Shared(*work);
    parallel::for_each_chunk(work.planes, (parallel::GRAIN / (2 * input).max(1)).max(1), |planes| {
        for plane in planes {
            let mut work = shared.get();
            work.dy = work.dy.wrapping_add(plane * output);
            work.codes = work.codes.wrapping_add(plane * output);
            work.gate = work.gate.map(|gate| gate.wrapping_add(plane * output));
            work.dx = work.dx.wrapping_add(plane * input);
            T::dispatch(isa, Plane(work));
        }
    });
}

struct Plane<T>(HalveBackward<T>);

impl<T: Float> VectorKernel<T> for Plane<T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let HalveBackward { size: [height, width], dy, codes, gate, dx, .. } = self.0;
        let columns = width / 2;
        // SAFETY: the caller's promise; no more than the columns there are is touched.
        unsafe {
            let (zero, half) = (V::splat(T::ZERO), V::splat(T::of(0.5)));
            let (mut across, mut down) = ([T::ZERO; MOST], [T::ZERO; MOST]);
            for row in 0..height / 2 {
                let upper = dx.add(2 * row * width);
                for first in (0..columns).step_by(V::LANES) {
                    let n = V::LANES.min(columns - first);
                    let at = row * columns + first;
                    let mut bytes = [0u8; MOST];
                    std::ptr::copy_nonoverlapping(codes.add(at), bytes.as_mut_ptr(), n);
                    for j in 0..MOST {
                        across[j] = if bytes[j] & 1 == 0 { T::ZERO } else { T::ONE };
                        down[j] = if bytes[j] & 2 == 0 { T::ZERO } else { T::ONE };
                    }
                    let mut g = V::load_partial(dy.add(at), n);
                    if let Some(gate) = gate {
                        g = V::pick(zero, V::load_partial(gate.add(at), n), g, zero);
                    }
                    let (across, down) = (V::load(across.as_ptr()), V::load(down.as_ptr()));
                    let (top, bottom) = (V::pick(half, down, zero, g), V::pick(half, down, g, zero));
                    let pair = V::pick(half, across, zero, top).zip(V::pick(half, across, top, zero));
                    store_pairs(pair, upper.add(2 * first), n);
                    let pair = V::pick(half, across, zero, bottom).zip(V::pick(half, across, bottom, zero));
                    store_pairs(pair, upper.add(width + 2 * first), n);
                }
                if width % 2 == 1 {
                    *upper.add(width - 1) = T::ZERO;
                    *upper.add(2 * width - 1) = T::ZERO;
                }
            }
            if height % 2 == 1 {
                for x in 0..width {
                    *dx.add((height - 1) * width + x) = T::ZERO;
                }
            }
        }
    }
}

/// Spreads the gradients of averages over 2×2 values each; what no window sees is left as it is.
///
/// # Safety
/// The pointers cover the plane.
pub(super) unsafe fn spread_plane<T: Number>(isa: Isa, pooling: &Pooling<'_>, dy: *const T, dx: *mut T) {
    T::dispatch(
        isa,
        Spread { rows: pooling.rows.len(), columns: pooling.columns.len(), dy, dx, pitch: pooling.size[1] },
    );
}

struct Spread<T> {
    rows: usize,
    columns: usize,
    dy: *const T,
    dx: *mut T,
    pitch: usize,
}

impl<T: Float> VectorKernel<T> for Spread<T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        // SAFETY: the maker's promise; no more than the columns there are is touched.
        unsafe {
            let quarter = V::splat(T::of(0.25));
            for row in 0..self.rows {
                for first in (0..self.columns).step_by(V::LANES) {
                    let n = V::LANES.min(self.columns - first);
                    let part = V::load_partial(self.dy.add(row * self.columns + first), n).mul(quarter);
                    let pair = part.zip(part);
                    let to = self.dx.add(2 * row * self.pitch + 2 * first);
                    store_pairs(pair, to, n);
                    store_pairs(pair, to.add(self.pitch), n);
                }
            }
        }
    }
}

/// Stores `2·n` lanes of two vectors.
#[inline(always)]
unsafe fn store_pairs<V: Vector>((low, high): (V, V), to: *mut V::Elem, n: usize) {
    // SAFETY: the caller has room for them.
    unsafe {
        low.store_partial(to, (2 * n).min(V::LANES));
        if 2 * n > V::LANES {
            high.store_partial(to.add(V::LANES), 2 * n - V::LANES);
        }
    }
}
