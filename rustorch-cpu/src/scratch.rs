//! Per-thread working memory for kernels, kept between calls and never cleared.

use std::alloc::{Layout, handle_alloc_error};
use std::cell::RefCell;
use std::ptr::NonNull;

const ALIGN: usize = 64;

struct Buffer {
    start: NonNull<u8>,
    bytes: usize,
}

impl Buffer {
    fn new(bytes: usize) -> Buffer {
        let layout = Layout::from_size_align(bytes.max(1), ALIGN).expect("scratch size within isize");
        // SAFETY: the size is not 0.
        let start = unsafe { std::alloc::alloc(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        Buffer { start, bytes: layout.size() }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe {
            std::alloc::dealloc(self.start.as_ptr(), Layout::from_size_align_unchecked(self.bytes, ALIGN))
        };
    }
}

thread_local! {
    /// The buffers not in use, that of the outermost call last.
    static KEPT: RefCell<Vec<Buffer>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with uninitialised memory for `len` values of `T`, aligned to 64 bytes and valid during the call.
/// A call inside `f` gets memory of its own.
pub fn with<T: Copy, R>(len: usize, f: impl FnOnce(*mut T) -> R) -> R {
    const { assert!(align_of::<T>() <= ALIGN) };
    let bytes = len.checked_mul(size_of::<T>()).expect("scratch size within usize");
    // A thread that is ending has no slot any more.
    let kept = KEPT.try_with(|kept| kept.borrow_mut().pop()).unwrap_or(None);
    let buffer = match kept {
        // A buffer of the very size lets AddressSanitizer see reads past its end.
        _ if cfg!(asan) => Buffer::new(bytes),
        Some(buffer) if buffer.bytes >= bytes => buffer,
        _ => Buffer::new(bytes.next_power_of_two().max(ALIGN)),
    };
    let result = f(buffer.start.as_ptr().cast());
    let _ = KEPT.try_with(|kept| kept.borrow_mut().push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_calls_do_not_share() {
        with::<u32, _>(100, |outer| {
            assert_eq!(outer as usize % ALIGN, 0);
            // SAFETY: 100 values each.
            unsafe { outer.write_bytes(1, 100) };
            // SAFETY: as above.
            with::<u32, _>(1000, |inner| unsafe { inner.write_bytes(2, 1000) });
            // SAFETY: written above.
            assert!((0..100).all(|i| unsafe { *outer.add(i) } == 0x0101_0101));
        });
        with::<u8, _>(0, |empty| assert!(!empty.is_null()));
    }
}
