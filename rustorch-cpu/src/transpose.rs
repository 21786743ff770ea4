//! Copies of matrices whose rows become columns.

use super::parallel::{self, Shared};

/// Rows and columns of a block: both the lines read and those written stay in the first-level cache.
const BLOCK: usize = 64;

/// `to[j·to_stride + i] = from[i·from_stride + j]` for `i < rows`, `j < cols`, of elements of any type.
///
/// # Safety
/// The pointers cover the matrices, which do not overlap.
pub unsafe fn transpose<T: Copy + Send + Sync>(
    rows: usize,
    cols: usize,
    from: *const T,
    from_stride: usize,
    to: *mut T,
    to_stride: usize,
) {
    let pointers = Shared((from, to));
    // A task makes whole rows of the result.
    let grain = (parallel::GRAIN / rows.max(1)).max(1).next_multiple_of(BLOCK);
    parallel::for_each_chunk(cols, grain, |columns| {
        let (from, to) = pointers.get();
        for j in columns.clone().step_by(BLOCK) {
            let width = BLOCK.min(columns.end - j);
            for i in (0..rows).step_by(BLOCK) {
                // SAFETY: the caller's promise; tasks write different rows.
                unsafe {
                    let (from, to) = (from.add(i * from_stride + j), to.add(j * to_stride + i));
                    block(BLOCK.min(rows - i), width, from, from_stride, to, to_stride);
                }
            }
        }
    });
}

/// [`transpose`] of few elements, on this thread.
///
/// # Safety
/// As there.
#[inline]
pub(crate) unsafe fn block<T: Copy>(
    rows: usize,
    cols: usize,
    from: *const T,
    from_stride: usize,
    to: *mut T,
    to_stride: usize,
) {
    let (whole_rows, whole_cols) = (rows / 16 * 16, cols / 16 * 16);
    // SAFETY: the caller's promise.
    unsafe {
        for j in (0..whole_cols).step_by(16) {
            for i in (0..whole_rows).step_by(16) {
                square(from.add(i * from_stride + j), from_stride, to.add(j * to_stride + i), to_stride);
            }
        }
        for i in 0..rows {
            let start = if i < whole_rows { whole_cols } else { 0 };
            for j in start..cols {
                *to.add(j * to_stride + i) = *from.add(i * from_stride + j);
            }
        }
    }
}

/// 16 by 16 elements.
#[inline]
unsafe fn square<T: Copy>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if size_of::<T>() == 4 && super::isa() == super::Isa::Avx512 {
            return square_avx512(from.cast(), from_stride, to.cast(), to_stride);
        }
        for j in 0..16 {
            for i in 0..16 {
                *to.add(j * to_stride + i) = *from.add(i * from_stride + j);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn square_avx512(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::{_mm512_loadu_ps, _mm512_setzero_ps, _mm512_storeu_ps};
    // SAFETY: the caller's promise. Moving elements of any 4-byte type through f32 vectors keeps their bits.
    unsafe {
        let mut block = [_mm512_setzero_ps(); 16];
        for (i, row) in block.iter_mut().enumerate() {
            *row = _mm512_loadu_ps(from.add(i * from_stride));
        }
        super::gemm::transpose_16x16(&mut block);
        for (j, &column) in block.iter().enumerate() {
            _mm512_storeu_ps(to.add(j * to_stride), column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Copy + Send + Sync + PartialEq + std::fmt::Debug>(value: fn(usize) -> T) {
        for (rows, cols) in [(0, 3), (1, 1), (5, 70), (16, 16), (33, 17), (130, 200), (1, 100), (300, 64)] {
            let (from_stride, to_stride) = (cols + 3, rows + 1);
            let from: Vec<T> = (0..rows * from_stride + 1).map(value).collect();
            let mut to = vec![value(0); cols * to_stride + 1];
            // SAFETY: the vectors have the sizes that the strides say.
            unsafe { transpose(rows, cols, from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride) };
            for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
                assert_eq!(to[j * to_stride + i], from[i * from_stride + j], "{rows}x{cols} at {i}, {j}");
            }
        }
    }

    #[test]
    fn every_element_size() {
        check(|i| i as u8);
        check(|i| i as u16);
        check(|i| i as f32);
        check(|i| f32::from_bits(0x7f80_0001 + i as u32).to_bits());
        check(|i| i as f64);
        check(|i| num_complex::Complex::new(i as f64, 1.0));
    }
}
