//! A caching allocator for main memory.
//!
//! Fresh pages cost a page fault and a zero-fill each, which for the intermediates of a training step is several times
//! the price of computing them. Freed blocks therefore stay in bins by size class: small ones per thread without any
//! lock, large ones in one shared pool whose size is bounded by what was in use at the same time. Where it is full, blocks that nobody
//! has asked for in a long time make room: those of a model that is no longer trained, say, or of another batch size.

use std::alloc::{Layout as MemoryLayout, alloc, dealloc};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::{Device, Error, Result};

/// Alignment of every block: a cache line, and the widest SIMD register.
pub(crate) const ALIGN: usize = 64;
/// Blocks up to this size are cached per thread.
const SMALL: usize = 1 << 16;
/// How many bytes of small blocks a thread keeps.
const THREAD_CACHE: usize = 8 << 20;
/// Size classes step by an eighth of a power of two, so that at most 12.5 % of a block is unused.
const STEPS: usize = 8;
const CLASSES: usize = (usize::BITS as usize) * STEPS;
/// A large block is stale when that many times the peak has been handed out since it was cached: several training steps, each of
/// which hands out a few times its peak.
const STALE: usize = 4;

/// Whether blocks have the size asked for and are not kept, so that AddressSanitizer sees every read past an end, and after one.
const EXACT: bool = cfg!(asan);

/// Bytes handed out and not yet returned.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
/// The most bytes that were in use at once.
static PEAK: AtomicUsize = AtomicUsize::new(0);
static LARGE: Mutex<Bins> = Mutex::new(Bins::new());

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
    static LOCAL: RefCell<Bins> = const { RefCell::new(Bins::new()) };
}

/// Free blocks by size class, in each the one cached first at the front.
struct Bins {
    bins: Vec<VecDeque<Free>>,
    /// The sum of their sizes.
    bytes: usize,
    /// Bytes handed out so far, from here or fresh.
    clock: usize,
}

/// A free block, owned by its bin.
struct Free {
    address: NonNull<u8>,
    /// The bins' clock when it was put there.
    since: usize,
}

// SAFETY: a free block belongs to whoever holds its address; nothing else refers to it.
unsafe impl Send for Free {}

impl Bins {
    const fn new() -> Self {
        Self { bins: Vec::new(), bytes: 0, clock: 0 }
    }

    /// The block of this class that was cached last, which the processor's caches may still hold.
    fn take(&mut self, class: usize, size: usize) -> Option<NonNull<u8>> {
        self.clock = self.clock.wrapping_add(size);
        let block = self.bins.get_mut(class)?.pop_back()?;
        self.bytes -= size;
        Some(block.address)
    }

    /// Takes out a block in whose time here at least `age` bytes were handed out, and its class.
    fn take_stale(&mut self, age: usize) -> Option<(NonNull<u8>, usize)> {
        let clock = self.clock;
        let waited = |bin: &VecDeque<Free>| bin.front().map_or(0, |block| clock.wrapping_sub(block.since));
        let (class, bin) = self.bins.iter_mut().enumerate().max_by_key(|(_, bin)| waited(bin))?;
        if waited(bin) < age {
            return None;
        }
        let block = bin.pop_front()?;
        self.bytes -= class_size(class);
        Some((block.address, class))
    }

    fn put(&mut self, class: usize, size: usize, block: NonNull<u8>) {
        if self.bins.is_empty() {
            self.bins.resize_with(CLASSES, VecDeque::new);
        }
        self.bins[class].push_back(Free { address: block, since: self.clock });
        self.bytes += size;
    }

    fn clear(&mut self) {
        for (class, bin) in self.bins.iter_mut().enumerate() {
            for block in bin.drain(..) {
                release(block.address, class_size(class));
            }
        }
        self.bytes = 0;
    }
}

impl Drop for Bins {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

/// An uninitialised block of main memory, returned to the cache when dropped.
pub(crate) struct Block {
    ptr: NonNull<u8>,
    /// The size class, or the size itself if blocks are exact.
    class: usize,
}

// SAFETY: the block is plain memory; who may read or write it is the business of `Storage`.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// A block of at least `bytes` bytes, aligned to [`ALIGN`].
    pub fn new(bytes: usize) -> Result<Self> {
        let _ = REQUESTS.try_with(|requests| requests.set(requests.get() + 1));
        if EXACT {
            let size = bytes.max(1);
            return obtain(size).map(|ptr| Self { ptr, class: size }).ok_or_else(|| out_of_memory(bytes));
        }
        let class = size_class(bytes.max(1)).ok_or_else(|| out_of_memory(bytes))?;
        let size = class_size(class);
        let cached = if size <= SMALL {
            LOCAL.try_with(|local| local.borrow_mut().take(class, size)).ok().flatten()
        } else {
            let now = IN_USE.fetch_add(size, Ordering::Relaxed) + size;
            PEAK.fetch_max(now, Ordering::Relaxed);
            LARGE.lock().take(class, size)
        };
        let ptr = match cached {
            Some(ptr) => ptr,
            None => match obtain(size) {
                Some(ptr) => ptr,
                None => {
                    if size > SMALL {
                        IN_USE.fetch_sub(size, Ordering::Relaxed);
                    }
                    return Err(out_of_memory(bytes));
                }
            },
        };
        Ok(Self { ptr, class })
    }

    pub fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if EXACT {
            return release(self.ptr, self.class);
        }
        let size = class_size(self.class);
        if size <= SMALL {
            let kept = LOCAL.try_with(|local| {
                let mut local = local.borrow_mut();
                let fits = local.bytes + size <= THREAD_CACHE;
                if fits {
                    local.put(self.class, size, self.ptr);
                }
                fits
            });
            if !kept.unwrap_or(false) {
                release(self.ptr, size);
            }
            return;
        }
        let in_use = IN_USE.fetch_sub(size, Ordering::Relaxed) - size;
        let peak = PEAK.load(Ordering::Relaxed);
        let mut large = LARGE.lock();
        // Used and cached together never exceed the peak of what was used: caching costs no memory that the program
        // did not need at some time anyway.
        while in_use + large.bytes + size > peak {
            let Some((block, class)) = large.take_stale(peak.saturating_mul(STALE)) else {
                drop(large);
                return release(self.ptr, size);
            };
            release(block, class_size(class));
        }
        large.put(self.class, size, self.ptr);
    }
}

/// Returns cached main memory to the operating system (`torch.cuda.empty_cache` for the CPU).
/// Blocks cached by other threads stay with them.
pub fn empty_cache() {
    let _ = LOCAL.try_with(|local| local.borrow_mut().clear());
    LARGE.lock().clear();
    PEAK.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// How many blocks of main memory this thread has asked for so far, whether they came from the cache or not.
#[doc(hidden)]
#[inline]
pub fn memory_requests() -> u64 {
    REQUESTS.try_with(Cell::get).unwrap_or(0)
}

fn out_of_memory(bytes: usize) -> Error {
    Error::OutOfMemory { device: Device::Cpu, bytes, detail: String::new() }
}

/// The class whose size is the smallest that holds `bytes`.
fn size_class(bytes: usize) -> Option<usize> {
    if bytes > isize::MAX as usize / 2 {
        return None;
    }
    if bytes <= ALIGN * STEPS {
        return Some(bytes.div_ceil(ALIGN));
    }
    let shift = usize::BITS - (bytes - 1).leading_zeros() - 1;
    let step = (1usize << shift) / STEPS;
    let within = (bytes - (1 << shift)).div_ceil(step);
    Some(STEPS * (shift as usize - (ALIGN * STEPS).trailing_zeros() as usize + 1) + within)
}

fn class_size(class: usize) -> usize {
    if class <= STEPS {
        return class * ALIGN;
    }
    let shift = class / STEPS - 1 + (ALIGN * STEPS).trailing_zeros() as usize;
    (1 << shift) + (class % STEPS) * ((1 << shift) / STEPS)
}

fn memory_layout(size: usize) -> Option<MemoryLayout> {
    MemoryLayout::from_size_align(size, ALIGN).ok()
}

fn obtain(size: usize) -> Option<NonNull<u8>> {
    let layout = memory_layout(size)?;
    // SAFETY: `size` is a class size, at least `ALIGN`, or exact and at least 1, so not zero.
    if let Some(ptr) = NonNull::new(unsafe { alloc(layout) }) {
        return Some(ptr);
    }
    empty_cache();
    // SAFETY: as above.
    NonNull::new(unsafe { alloc(layout) })
}

fn release(ptr: NonNull<u8>, size: usize) {
    if let Some(layout) = memory_layout(size) {
        // SAFETY: `ptr` came from `obtain` with the same size, hence the same layout.
        unsafe { dealloc(ptr.as_ptr(), layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_they_are_asked_for() {
        for bytes in (1..5000).chain([65_536, 65_537, 1 << 20, (1 << 20) + 1, 123_456_789]) {
            let class = size_class(bytes).unwrap();
            let size = class_size(class);
            assert!(size >= bytes, "{bytes} bytes in a block of {size}");
            assert!(class == 1 || class_size(class - 1) < bytes, "{bytes} bytes fit the class below {class}");
        }
        assert!(size_class(usize::MAX).is_none());
    }

    /// A block that was used lately stays, one that has waited goes, the one that waited longest first.
    #[test]
    fn stale_blocks_make_room() {
        let mut bins = Bins::new();
        let classes = [1 << 20, 1 << 21, 3 << 20].map(|bytes| size_class(bytes).unwrap());
        let sizes = classes.map(class_size);
        let blocks = sizes.map(|size| obtain(size).unwrap());
        assert_eq!(bins.take(classes[0], sizes[0]), None);
        for i in [1, 0, 2] {
            bins.put(classes[i], sizes[i], blocks[i]);
            assert_eq!(bins.take_stale((1 << 22) + 1), None);
            if i == 1 {
                // 4 MiB are asked for of a class that is not there.
                assert_eq!(bins.take(size_class(1 << 22).unwrap(), 1 << 22), None);
            }
        }
        assert_eq!(bins.bytes, sizes.iter().sum::<usize>());
        assert_eq!(bins.take_stale((1 << 22) + 1), None);
        assert_eq!(bins.take_stale(1 << 22), Some((blocks[1], classes[1])));
        assert_eq!(bins.take_stale(1), None);
        assert_eq!(bins.take(classes[2], sizes[2]), Some(blocks[2]));
        assert_eq!(bins.take_stale(sizes[2]), Some((blocks[0], classes[0])));
        assert_eq!((bins.bytes, bins.take_stale(0)), (0, None));
        for (block, size) in blocks.into_iter().zip(sizes) {
            release(block, size);
        }
    }

    #[test]
    fn a_freed_block_is_reused() {
        let first = Block::new(1000).unwrap();
        let address = first.ptr();
        drop(first);
        assert_eq!(Block::new(1001).unwrap().ptr(), address);
    }
}
