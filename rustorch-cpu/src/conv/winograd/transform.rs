//! The four transforms of F(2×2, 3×3), each on vectors of channels.
//!
//! A point `4·i + j` of a transformed tile stands in row i and column j of the 4×4 matrix.

#![expect(clippy::needless_range_loop, reason = "small matrices, whose rows and columns have numbers")]

use crate::Float;
use crate::vector::{Vector, VectorKernel};

/// Points of a transformed tile.
pub const POINTS: usize = 16;

// Vector code stands in functions that are always inlined, not in closures: what LLVM leaves as a call is compiled without
// the instruction set.

/// Four vectors at equal distances.
///
/// # Safety
/// They are readable, and the machine has the instruction set.
#[inline(always)]
unsafe fn four<V: Vector>(from: *const V::Elem, step: usize) -> [V; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        [
            V::load(from),
            V::load(from.wrapping_add(step)),
            V::load(from.wrapping_add(2 * step)),
            V::load(from.wrapping_add(3 * step)),
        ]
    }
}

/// `Bᵀ d`
///
/// # Safety
/// The machine has the instruction set, here and below.
#[inline(always)]
unsafe fn input_column<V: Vector>(d: [V; 4]) -> [V; 4] {
    // SAFETY: the caller's promise.
    unsafe { [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3])] }
}

/// `G g`
#[inline(always)]
unsafe fn filter_column<V: Vector>(g: [V; 3], half: V) -> [V; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (ends, middle) = (g[0].add(g[2]).mul(half), g[1].mul(half));
        [g[0], ends.add(middle), ends.sub(middle), g[2]]
    }
}

/// `Gᵀ s`
#[inline(always)]
unsafe fn filter_gradient_column<V: Vector>(s: [V; 4], half: V) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe {
        let (sum, difference) = (s[1].add(s[2]).mul(half), s[1].sub(s[2]).mul(half));
        [s[0].add(sum), difference, sum.add(s[3])]
    }
}

/// `Aᵀ m`
#[inline(always)]
unsafe fn output_column<V: Vector>(m: [V; 4]) -> [V; 2] {
    // SAFETY: the caller's promise.
    unsafe { [m[0].add(m[1].add(m[2])), m[1].sub(m[2]).sub(m[3])] }
}

/// `A e`
#[inline(always)]
unsafe fn gradient_column<V: Vector>(a: V, b: V, zero: V) -> [V; 4] {
    // SAFETY: the caller's promise.
    unsafe { [a, a.add(b), a.sub(b), zero.sub(b)] }
}

/// Whether all lanes are finite.
#[inline(always)]
unsafe fn is_finite<T: Float, V: Vector<Elem = T>>(v: V) -> bool {
    // The lanes of the widest vector.
    let mut lanes = [T::ZERO; 16];
    // SAFETY: the caller's promise; there is room for every vector.
    unsafe { v.sub(v).store(lanes.as_mut_ptr()) };
    lanes == [T::ZERO; 16]
}

/// `Bᵀ d B` of the overlapping 4×4 tiles of a block of channels, which start two positions apart.
pub struct Input<T> {
    /// `[row][column][lane]`, two rows and columns more than twice the tiles.
    pub source: *const T,
    /// Rows and columns of tiles.
    pub tiles: [usize; 2],
    /// Tile by tile, a vector per point.
    pub to: *mut T,
    /// From a point to the next.
    pub point: usize,
}

impl<T: Float> VectorKernel<T> for Input<T> {
    type Output = ();
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let pitch = (2 * self.tiles[1] + 2) * V::LANES;
        let mut to = self.to;
        // SAFETY: the maker's promise: source and target cover the tiles.
        unsafe {
            for ty in 0..self.tiles[0] {
                let rows = self.source.add(2 * ty * pitch);
                let mut c0 = input_column(four::<V>(rows, pitch));
                let mut c1 = input_column(four::<V>(rows.add(V::LANES), pitch));
                for tx in 0..self.tiles[1] {
                    let next = rows.add((2 * tx + 2) * V::LANES);
                    let c2 = input_column(four::<V>(next, pitch));
                    let c3 = input_column(four::<V>(next.add(V::LANES), pitch));
                    for i in 0..4 {
                        let to = to.add(4 * i * self.point);
                        c0[i].sub(c2[i]).store(to);
                        c1[i].add(c2[i]).store(to.add(self.point));
                        c2[i].sub(c1[i]).store(to.add(2 * self.point));
                        c1[i].sub(c3[i]).store(to.add(3 * self.point));
                    }
                    (c0, c1) = (c2, c3);
                    to = to.add(V::LANES);
                }
            }
        }
    }
}

/// `G g Gᵀ` of filters, for lanes of output channels.
pub struct Filter<T> {
    pub source: *const T,
    /// From a tap to the next.
    pub tap: usize,
    /// From an input channel to the next.
    pub channel: usize,
    /// Input channels.
    pub channels: usize,
    /// Output channels, whole vectors.
    pub width: usize,
    /// `[channel][width]` per point.
    pub to: *mut T,
    /// From a point to the next.
    pub point: usize,
}

impl<T: Float> VectorKernel<T> for Filter<T> {
    /// Whether everything is finite.
    type Output = bool;
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) -> bool {
        // SAFETY: the maker's promise.
        unsafe {
            let half = V::splat(T::of(0.5));
            let mut sum = V::splat(T::ZERO);
            for c in 0..self.channels {
                for first in (0..self.width).step_by(V::LANES) {
                    let source = self.source.add(c * self.channel + first);
                    let to = self.to.add(c * self.width + first);
                    let mut columns = [[half; 4]; 3];
                    for (j, column) in columns.iter_mut().enumerate() {
                        let g = [
                            V::load(source.add(j * self.tap)),
                            V::load(source.add((3 + j) * self.tap)),
                            V::load(source.add((6 + j) * self.tap)),
                        ];
                        *column = filter_column(g, half);
                    }
                    for i in 0..4 {
                        let row = filter_column([columns[0][i], columns[1][i], columns[2][i]], half);
                        for j in 0..4 {
                            row[j].store(to.add((4 * i + j) * self.point));
                        }
                        sum = sum.add(row[0].add(row[1]).add(row[2].add(row[3])));
                    }
                }
            }
            is_finite(sum)
        }
    }
}

/// `Aᵀ m A`: the 2×2 outputs of every tile for a vector of output channels, with bias and ReLU, or the greatest of the four.
pub struct Output<T> {
    pub source: *const T,
    /// From a point to the next.
    pub point: usize,
    /// From a tile to the next.
    pub step: usize,
    /// Rows and columns of tiles.
    pub tiles: [usize; 2],
    /// Rows and columns of the output that are kept.
    pub kept: [usize; 2],
    /// `[row][column][lane]`; with `pool`, a position per tile.
    pub to: *mut T,
    /// A value per lane, for the lanes there are.
    pub bias: Option<(*const T, usize)>,
    pub relu: bool,
    pub pool: bool,
    /// With `pool`: which of a tile's four outputs is the greatest, as numbers, in the order of `to`.
    pub codes: Option<*mut T>,
}

impl<T: Float> VectorKernel<T> for Output<T> {
    /// Whether everything is finite before the bias.
    type Output = bool;
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) -> bool {
        // SAFETY: the maker's promise.
        unsafe {
            let zero = V::splat(T::ZERO);
            let bias = self.bias.map_or(zero, |(from, lanes)| V::load_partial(from, lanes));
            let [height, width] = self.kept;
            let mut source = self.source;
            let (mut tile, mut sum) = (0, zero);
            for ty in 0..self.tiles[0] {
                for tx in 0..self.tiles[1] {
                    let c0 = output_column(four::<V>(source, 4 * self.point));
                    let c1 = output_column(four::<V>(source.add(self.point), 4 * self.point));
                    let c2 = output_column(four::<V>(source.add(2 * self.point), 4 * self.point));
                    let c3 = output_column(four::<V>(source.add(3 * self.point), 4 * self.point));
                    let mut y = [
                        output_column([c0[0], c1[0], c2[0], c3[0]]),
                        output_column([c0[1], c1[1], c2[1], c3[1]]),
                    ];
                    sum = sum.add(y[0][0].add(y[0][1]).add(y[1][0].add(y[1][1])));
                    for v in y.iter_mut().flatten() {
                        *v = v.add(bias);
                        if self.relu {
                            *v = zero.max(*v);
                        }
                    }
                    source = source.add(self.step);
                    if self.pool {
                        let mut best = (y[0][0], zero);
                        for (code, next) in [(1.0, y[0][1]), (2.0, y[1][0]), (3.0, y[1][1])] {
                            let wins = (next, V::splat(T::of(code)));
                            best = (
                                V::pick(best.0, next, wins.0, best.0),
                                V::pick(best.0, next, wins.1, best.1),
                            );
                        }
                        best.0.store(self.to.add(tile * V::LANES));
                        if let Some(codes) = self.codes {
                            best.1.store(codes.add(tile * V::LANES));
                        }
                        tile += 1;
                        continue;
                    }
                    for (i, row) in y.into_iter().enumerate() {
                        let (top, left) = (2 * ty + i, 2 * tx);
                        if top < height {
                            let to = self.to.add((top * width + left) * V::LANES);
                            row[0].store(to);
                            if left + 1 < width {
                                row[1].store(to.add(V::LANES));
                            }
                        }
                    }
                }
            }
            is_finite(sum)
        }
    }
}

/// `A e Aᵀ` of the 2×2 gradients of every tile.
pub struct Gradient<T> {
    /// `[row][column][lane]`, twice the tiles.
    pub source: *const T,
    /// Rows and columns of tiles.
    pub tiles: [usize; 2],
    pub to: *mut T,
    /// From a tile to the next.
    pub step: usize,
    /// From a point to the next.
    pub point: usize,
}

impl<T: Float> VectorKernel<T> for Gradient<T> {
    type Output = ();
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        let pitch = 2 * self.tiles[1] * V::LANES;
        let mut to = self.to;
        // SAFETY: the maker's promise.
        unsafe {
            let zero = V::splat(T::ZERO);
            for ty in 0..self.tiles[0] {
                for tx in 0..self.tiles[1] {
                    let at = self.source.add(2 * ty * pitch + 2 * tx * V::LANES);
                    let left = gradient_column(V::load(at), V::load(at.add(pitch)), zero);
                    let at = at.add(V::LANES);
                    let right = gradient_column(V::load(at), V::load(at.add(pitch)), zero);
                    for i in 0..4 {
                        let row = gradient_column(left[i], right[i], zero);
                        for j in 0..4 {
                            row[j].store(to.add((4 * i + j) * self.point));
                        }
                    }
                    to = to.add(self.step);
                }
            }
        }
    }
}

/// `Gᵀ s G`: filter gradients from the sums of `parts` transformed ones, for lanes of output channels.
pub struct FilterGradient<T> {
    /// `[channel][row]` per point and part.
    pub source: *const T,
    /// From a point to the next.
    pub point: usize,
    /// From an input channel to the next.
    pub row: usize,
    /// How many parts there are, and from one to the next.
    pub parts: (usize, usize),
    /// Input channels.
    pub channels: usize,
    /// Output channels, whole vectors.
    pub width: usize,
    /// `[channel][tap][width]`
    pub to: *mut T,
}

impl<T: Float> VectorKernel<T> for FilterGradient<T> {
    /// Whether everything is finite.
    type Output = bool;
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) -> bool {
        // SAFETY: the maker's promise.
        unsafe {
            let half = V::splat(T::of(0.5));
            let mut sum = V::splat(T::ZERO);
            for c in 0..self.channels {
                for first in (0..self.width).step_by(V::LANES) {
                    let source = self.source.add(c * self.row + first);
                    let mut columns = [[half; 3]; 4];
                    for (j, column) in columns.iter_mut().enumerate() {
                        let mut sums = four::<V>(source.add(j * self.point), 4 * self.point);
                        for part in 1..self.parts.0 {
                            let at = source.add(j * self.point + part * self.parts.1);
                            let next = four::<V>(at, 4 * self.point);
                            for i in 0..4 {
                                sums[i] = sums[i].add(next[i]);
                            }
                        }
                        *column = filter_gradient_column(sums, half);
                    }
                    for i in 0..3 {
                        let row = [columns[0][i], columns[1][i], columns[2][i], columns[3][i]];
                        let row = filter_gradient_column(row, half);
                        for j in 0..3 {
                            row[j].store(self.to.add((c * 9 + 3 * i + j) * self.width + first));
                        }
                        sum = sum.add(row[0].add(row[1]).add(row[2]));
                    }
                }
            }
            is_finite(sum)
        }
    }
}
