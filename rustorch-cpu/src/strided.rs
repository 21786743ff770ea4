//! Copies of elements apart from each other, whatever their type.

/// Copies `len` elements of `size` bytes, `from_stride` elements apart, to places `to_stride` elements apart.
///
/// # Safety
/// As many elements must be readable and writable, and aligned as the dtypes of this size are.
pub unsafe fn copy(
    size: usize,
    from: *const u8,
    from_stride: usize,
    to: *mut u8,
    to_stride: usize,
    len: usize,
) {
    unsafe fn run<T: Copy>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize, len: usize) {
        // SAFETY: the caller's promise.
        unsafe { (0..len).for_each(|i| to.add(i * to_stride).write(from.add(i * from_stride).read())) }
    }
    // SAFETY: the caller's promise; `[f64; 2]` is aligned as the largest dtype, a complex number, is.
    unsafe {
        match size {
            1 => run::<u8>(from, from_stride, to, to_stride, len),
            2 => run::<u16>(from.cast(), from_stride, to.cast(), to_stride, len),
            4 => run::<u32>(from.cast(), from_stride, to.cast(), to_stride, len),
            8 => run::<[f32; 2]>(from.cast(), from_stride, to.cast(), to_stride, len),
            _ => run::<[f64; 2]>(from.cast(), from_stride, to.cast(), to_stride, len),
        }
    }
}
