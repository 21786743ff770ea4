//! The source of a convolution: bands of rows of an image's channels, with the border that the kernel reaches into.

use super::Element;
use crate::Isa;
use crate::vector::{Vector, VectorKernel};

/// Where the values of an image lie that a kernel reads: channel `c`, row `y` and column `x` (counted from the border's
/// corner) at `c·channel + y·row + (x % step)·phase + x / step`.
///
/// With a horizontal stride of `step`, columns are sorted by their remainder, so that the same tap of neighbouring outputs is contiguous.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    /// First row and column of the image in the band; negative in the border.
    pub origin: [isize; 2],
    /// Rows and columns of the band, border included.
    pub extent: [usize; 2],
    pub step: usize,
    /// A single tap reads only one of so many rows, and the columns without remainder: the others are not copied.
    pub every: usize,
    pub phases: usize,
}

impl Planes {
    pub fn phase(&self) -> usize {
        self.extent[1].div_ceil(self.step)
    }

    pub fn row(&self) -> usize {
        self.phase() * self.step
    }

    pub fn channel(&self) -> usize {
        self.extent[0] * self.row()
    }

    /// The offset of a tap at (y, x) from the position of an output.
    pub fn tap(&self, y: usize, x: usize) -> isize {
        (y * self.row() + x % self.step * self.phase() + x / self.step) as isize
    }

    /// Copies `channels` channels of an image of `size` rows and columns.
    ///
    /// # Safety
    /// `from` covers the channels; `to` has room for `channels · channel()` values.
    pub unsafe fn fill<T: Element>(
        &self,
        isa: Isa,
        from: *const T,
        size: [usize; 2],
        channels: usize,
        to: *mut T,
    ) {
        let [height, width] = size;
        for c in 0..channels {
            for r in (0..self.extent[0]).step_by(self.every) {
                let y = self.origin[0] + r as isize;
                // SAFETY: the caller's promise; rows outside of the image are not read.
                unsafe {
                    let to = to.add(c * self.channel() + r * self.row());
                    if y < 0 || y >= height as isize {
                        zero(to, self.row());
                    } else {
                        self.fill_row(isa, from.add((c * height + y as usize) * width), width, to);
                    }
                }
            }
        }
    }

    /// One row of the image, whose columns start at `origin`.
    unsafe fn fill_row<T: Element>(&self, isa: Isa, from: *const T, width: usize, to: *mut T) {
        if self.step == 2 {
            // SAFETY: the caller's promise.
            return unsafe { self.deal_row(isa, from, width, to) };
        }
        for remainder in 0..self.phases {
            let len = self.phase();
            // Position i of this phase is column `first + i·step`; those in the image are start..end.
            let first = self.origin[1] + remainder as isize;
            let step = self.step as isize;
            let start = (-first).max(0).unsigned_abs().div_ceil(self.step).min(len);
            let columns = (width as isize - first).max(0).unsigned_abs();
            let end = columns.div_ceil(self.step).clamp(start, len);
            // SAFETY: start..end are columns of the image.
            unsafe {
                let to = to.add(remainder * len);
                zero(to, start);
                let from = from.wrapping_offset(first);
                if step == 1 {
                    std::ptr::copy_nonoverlapping(from.wrapping_add(start), to.add(start), end - start);
                } else {
                    for i in start..end {
                        *to.add(i) = *from.wrapping_offset(i as isize * step);
                    }
                }
                zero(to.add(end), len - end);
            }
        }
    }

    /// [`Self::fill_row`] for a step of 2, by vectors.
    unsafe fn deal_row<T: Element>(&self, isa: Isa, from: *const T, width: usize, to: *mut T) {
        let len = self.phase();
        // Pair i of the row is columns `origin + 2·i` and the next; both are in the image for start..end.
        let first = self.origin[1];
        let start = (-first).max(0).unsigned_abs().div_ceil(2).min(len);
        let end = ((width as isize - first).max(0).unsigned_abs() / 2).clamp(start, len);
        let at = |i: usize, odd: isize| {
            let column = first + 2 * i as isize + odd;
            // SAFETY: columns of the image are readable.
            if (0..width as isize).contains(&column) { unsafe { *from.offset(column) } } else { T::default() }
        };
        // SAFETY: the caller's promise.
        unsafe {
            let odd = (self.phases == 2).then(|| to.add(len));
            // Before and after them, half a pair may be.
            for i in (0..start).chain(end..len) {
                *to.add(i) = at(i, 0);
                if let Some(odd) = odd {
                    *odd.add(i) = at(i, 1);
                }
            }
            let from = from.wrapping_offset(first + 2 * start as isize);
            let odd = odd.map(|odd| odd.add(start));
            T::dispatch(isa, Deal { from, even: to.add(start), odd, pairs: end - start });
        }
    }
}

/// Deals values out to two rows in turn.
struct Deal<T> {
    from: *const T,
    even: *mut T,
    /// `None`: these values are not wanted.
    odd: Option<*mut T>,
    /// Pairs of values.
    pairs: usize,
}

impl<T: Element> VectorKernel<T> for Deal<T> {
    type Output = ();
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        for i in (0..self.pairs).step_by(V::LANES) {
            let n = V::LANES.min(self.pairs - i);
            // SAFETY: the maker's promise: all pairs are readable, and as many values writable.
            unsafe {
                let from = self.from.add(2 * i);
                let low = V::load_partial(from, (2 * n).min(V::LANES));
                let high = V::load_partial(from.wrapping_add(V::LANES), (2 * n).saturating_sub(V::LANES));
                let (even, odd) = low.unzip(high);
                even.store_partial(self.even.add(i), n);
                if let Some(to) = self.odd {
                    odd.store_partial(to.add(i), n);
                }
            }
        }
    }
}

unsafe fn zero<T: Copy + Default>(to: *mut T, len: usize) {
    for i in 0..len {
        // SAFETY: the caller has room for `len` values.
        unsafe { *to.add(i) = T::default() };
    }
}
