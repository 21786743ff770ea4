//! The source of a convolution: bands of rows of an image's channels, with the border that the kernel reaches into.

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
    pub unsafe fn fill<T: Copy + Default>(
        &self,
        from: *const T,
        size: [usize; 2],
        channels: usize,
        to: *mut T,
    ) {
        let [height, width] = size;
        for c in 0..channels {
            for r in 0..self.extent[0] {
                let y = self.origin[0] + r as isize;
                // SAFETY: the caller's promise; rows outside of the image are not read.
                unsafe {
                    let to = to.add(c * self.channel() + r * self.row());
                    if y < 0 || y >= height as isize {
                        zero(to, self.row());
                    } else {
                        self.fill_row(from.add((c * height + y as usize) * width), width, to);
                    }
                }
            }
        }
    }

    /// One row of the image, whose columns start at `origin`.
    unsafe fn fill_row<T: Copy + Default>(&self, from: *const T, width: usize, to: *mut T) {
        for remainder in 0..self.step {
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
}

unsafe fn zero<T: Copy + Default>(to: *mut T, len: usize) {
    for i in 0..len {
        // SAFETY: the caller has room for `len` values.
        unsafe { *to.add(i) = T::default() };
    }
}
