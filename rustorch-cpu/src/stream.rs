//! Moving large arrays: reading ahead of the arithmetic, and writing results past the caches.
//!
//! The processor's own prefetching stops at the end of a page, and an ordinary store first reads the line that it
//! overwrites. For arrays beyond the last-level cache both cost more than the arithmetic of an addition.

use std::sync::OnceLock;

use super::{Isa, isa};

/// Loops that move at least this many bytes read ahead: what a core's own cache does not hold.
pub const READ_AHEAD: usize = 1 << 20;
/// How far ahead, in bytes: a page, where the processor's own prefetching ends.
pub const DISTANCE: usize = 4096;
/// The bytes of a cache line.
pub const LINE: usize = 64;

/// Whether a loop that reads and writes so many bytes should write its results past the caches: when they do not hold
/// what it moves, results would push out inputs, and the next to read the results would not find them either.
#[inline]
pub fn past_caches(moved: usize) -> bool {
    moved > READ_AHEAD && moved > last_level_cache()
}

/// The bytes of the last-level cache that this core uses; 32 MiB where the processor does not say.
fn last_level_cache() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| detect().filter(|&bytes| bytes >= READ_AHEAD).unwrap_or(32 << 20))
}

/// The largest cache that the processor lists, by CPUID's leaf of deterministic cache parameters.
#[cfg(target_arch = "x86_64")]
fn detect() -> Option<usize> {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    // Intel's leaf, and AMD's of the same layout, which has a flag of its own.
    const INTEL: u32 = 4;
    const AMD: u32 = 0x8000_001d;
    const TOPOLOGY_EXTENSIONS: u32 = 1 << 22;
    let extended = __cpuid(0x8000_0000).eax >= AMD && __cpuid(0x8000_0001).ecx & TOPOLOGY_EXTENSIONS != 0;
    let leaf = match (extended, __cpuid(0).eax >= INTEL) {
        (true, _) => AMD,
        (false, true) => INTEL,
        (false, false) => return None,
    };
    let caches = (0..8).map(|index| __cpuid_count(leaf, index)).take_while(|cache| cache.eax & 0x1f != 0);
    let field = |value: u32, shift: u32, bits: u32| (value >> shift & ((1 << bits) - 1)) as usize + 1;
    // Ways, partitions, bytes of a line, sets.
    caches
        .map(|at| {
            field(at.ebx, 22, 10) * field(at.ebx, 12, 10) * field(at.ebx, 0, 12) * (at.ecx as usize + 1)
        })
        .max()
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Option<usize> {
    None
}

/// Asks for the line at `address` to be brought to the first-level cache. The address need not be valid.
#[inline(always)]
pub fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which accesses no memory; SSE is part of the target.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for `bytes` bytes from `DISTANCE` beyond `address` on.
#[inline(always)]
pub fn read_ahead(address: *const u8, bytes: usize) {
    for line in (0..bytes).step_by(LINE) {
        prefetch(address.wrapping_add(DISTANCE + line));
    }
}

/// Copies past the caches what is in them. [`fence`] must follow before another thread reads the copy.
///
/// # Safety
/// Both pointers are valid for `bytes` bytes, aligned to a cache line, and do not overlap.
#[inline]
pub unsafe fn copy_past_caches(from: *const u8, to: *mut u8, bytes: usize) {
    debug_assert!((from as usize).is_multiple_of(LINE) && (to as usize).is_multiple_of(LINE));
    let whole = bytes / LINE * LINE;
    // SAFETY: the caller's promise; the instruction set is the processor's.
    unsafe {
        match isa() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => lines_avx512(from, to, whole),
            #[cfg(target_arch = "x86_64")]
            _ => lines_sse2(from, to, whole),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Portable | Isa::Avx2 | Isa::Avx512 => std::ptr::copy_nonoverlapping(from, to, whole),
        }
        std::ptr::copy_nonoverlapping(from.add(whole), to.add(whole), bytes - whole);
    }
}

/// Orders the stores of [`copy_past_caches`] before what follows.
#[inline(always)]
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of the target.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn lines_avx512(from: *const u8, to: *mut u8, bytes: usize) {
    use std::arch::x86_64::{_mm512_load_si512, _mm512_stream_si512};
    for at in (0..bytes).step_by(LINE) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_stream_si512(to.add(at).cast(), _mm512_load_si512(from.add(at).cast())) };
    }
}

#[cfg(target_arch = "x86_64")]
unsafe fn lines_sse2(from: *const u8, to: *mut u8, bytes: usize) {
    use std::arch::x86_64::{__m128i, _mm_load_si128, _mm_stream_si128};
    for at in (0..bytes).step_by(size_of::<__m128i>()) {
        // SAFETY: the caller's promise.
        unsafe { _mm_stream_si128(to.add(at).cast(), _mm_load_si128(from.add(at).cast())) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(64))]
    struct Lines([u8; 512]);

    #[test]
    fn every_byte_once() {
        let from = Lines(std::array::from_fn(|i| i as u8 ^ 0x5a));
        for bytes in [0, 1, 63, 64, 65, 128, 500, 511] {
            let mut to = Lines([7; 512]);
            // SAFETY: 512 aligned bytes each.
            unsafe { copy_past_caches(from.0.as_ptr(), to.0.as_mut_ptr(), bytes) };
            fence();
            assert_eq!(to.0[..bytes], from.0[..bytes], "{bytes} bytes");
            assert!(to.0[bytes..].iter().all(|&byte| byte == 7), "{bytes} bytes");
        }
        #[cfg(target_arch = "x86_64")]
        {
            let mut to = Lines([7; 512]);
            // SAFETY: 512 aligned bytes each.
            unsafe { lines_sse2(from.0.as_ptr(), to.0.as_mut_ptr(), 448) };
            fence();
            assert_eq!((&to.0[..448], &to.0[448..]), (&from.0[..448], &[7; 64][..]));
        }
    }
}
