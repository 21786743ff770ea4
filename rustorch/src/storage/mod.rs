//! Shared memory behind tensors.
//!
//! A [`Storage`] is a reference-counted block of bytes on one device. Views of a tensor share it, and any of them may
//! write to it through an in-place method, from any thread. Two things keep that sound and correct:
//! - a reader–writer lock per storage, held for as long as a kernel runs ([`Storage::read`], [`lock_for_write`]);
//! - a version, raised by every in-place operation, by which autograd notices that a saved value has changed.

mod alloc;
mod derived;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RawRwLock;
use parking_lot::lock_api::{RawRwLock as _, RawRwLockRecursive as _};

use alloc::Block;
pub use alloc::{empty_cache, memory_requests};

use crate::{DType, Device, Error, Result};

/// A shared block of memory on a device.
#[derive(Clone)]
pub(crate) struct Storage(Arc<Inner>);

struct Inner {
    memory: Memory,
    bytes: usize,
    version: AtomicU64,
    lock: RawRwLock,
    /// What was computed from the contents and is kept.
    derived: derived::Slot,
}

/// The device dispatch of storage: who owns the bytes.
pub(crate) enum Memory {
    /// Main memory.
    Cpu(Block),
    /// A GPU's memory.
    #[cfg(feature = "cuda")]
    Cuda(rustorch_cuda::Buffer),
}

impl Storage {
    /// Uninitialised memory for `numel` elements. The caller writes every element before anything reads it.
    pub fn uninit(numel: usize, dtype: DType, device: Device) -> Result<Self> {
        let bytes = numel.checked_mul(dtype.size()).ok_or_else(|| Error::OutOfMemory {
            device,
            bytes: usize::MAX,
            detail: String::new(),
        })?;
        let memory = match device {
            Device::Cpu => Memory::Cpu(Block::new(bytes)?),
            #[cfg(feature = "cuda")]
            Device::Cuda(ordinal) => {
                let buffer = rustorch_cuda::Buffer::uninit(&crate::cuda::device(ordinal)?, bytes);
                Memory::Cuda(buffer.map_err(|error| crate::cuda::from_driver(ordinal, error))?)
            }
            #[cfg(not(feature = "cuda"))]
            Device::Cuda(_) => return Err(Error::no_cuda(device)),
        };
        Ok(Self(Arc::new(Inner {
            memory,
            bytes,
            version: AtomicU64::new(0),
            lock: RawRwLock::INIT,
            derived: derived::Slot::default(),
        })))
    }

    pub fn device(&self) -> Device {
        match &self.0.memory {
            Memory::Cpu(_) => Device::Cpu,
            #[cfg(feature = "cuda")]
            Memory::Cuda(buffer) => Device::Cuda(buffer.device().ordinal()),
        }
    }

    /// The owner of the bytes, for kernels of a device.
    #[cfg(feature = "cuda")]
    pub fn memory(&self) -> &Memory {
        &self.0.memory
    }

    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// How many in-place operations have written to this storage.
    #[inline]
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Relaxed)
    }

    pub fn bump_version(&self) {
        self.0.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether nothing else refers to this memory.
    #[inline]
    pub fn is_unique(&mut self) -> bool {
        Arc::get_mut(&mut self.0).is_some()
    }

    /// How many hold it.
    pub fn users(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// The first byte in main memory. Reading needs [`Storage::read`] held, writing [`lock_for_write`] or being the
    /// only owner; the type cannot know.
    ///
    /// # Panics
    /// If the memory is on another device: kernels are chosen by device before they ask for pointers.
    pub fn host_ptr(&self) -> *mut u8 {
        match &self.0.memory {
            Memory::Cpu(block) => block.ptr(),
            #[cfg(feature = "cuda")]
            Memory::Cuda(buffer) => panic!("{buffer:?} has no address in main memory"),
        }
    }

    /// The buffer on a GPU.
    ///
    /// # Panics
    /// If the memory is on another device: kernels are chosen by device before they ask for buffers.
    #[cfg(feature = "cuda")]
    pub fn cuda_buffer(&self) -> &rustorch_cuda::Buffer {
        match &self.0.memory {
            Memory::Cuda(buffer) => buffer,
            Memory::Cpu(_) => panic!("{} bytes of main memory are no buffer of a GPU", self.0.bytes),
        }
    }

    /// Keeps writers out until the guard is dropped. Readers never wait for other readers, also not when the same
    /// thread already holds a guard.
    pub fn read(&self) -> ReadGuard<'_> {
        self.0.lock.lock_shared_recursive();
        ReadGuard(&self.0)
    }

    /// As [`Storage::read`], with a guard that can be kept.
    #[inline]
    pub fn read_owned(&self) -> OwnedReadGuard {
        self.0.lock.lock_shared_recursive();
        OwnedReadGuard(self.clone())
    }
}

/// Shared access to a storage that the guard keeps alive.
pub(crate) struct OwnedReadGuard(Storage);

impl Drop for OwnedReadGuard {
    fn drop(&mut self) {
        // SAFETY: `Storage::read_owned` locked it shared.
        unsafe { self.0.0.lock.unlock_shared() }
    }
}

/// Shared access to a storage.
pub(crate) struct ReadGuard<'a>(&'a Inner);

impl Drop for ReadGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: the guard was made by a successful `lock_shared_recursive`.
        unsafe { self.0.lock.unlock_shared() }
    }
}

/// Exclusive access to one storage and shared access to the operands of an in-place operation.
pub(crate) struct WriteGuard<'a> {
    target: &'a Inner,
    reads: smallvec::SmallVec<[&'a Inner; 4]>,
}

impl Drop for WriteGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        for inner in &self.reads {
            // SAFETY: `lock_for_write` locked each of these shared.
            unsafe { inner.lock.unlock_shared() }
        }
        // SAFETY: `lock_for_write` locked the target exclusively.
        unsafe { self.target.lock.unlock_exclusive() }
    }
}

/// Locks `target` for writing and `sources` for reading. Sources that are the target itself need no lock of their own.
/// Locks are taken in the order of addresses, so that two threads that each write what the other reads cannot wait for
/// one another.
pub(crate) fn lock_for_write<'a>(target: &'a Storage, sources: &[&'a Storage]) -> WriteGuard<'a> {
    let target = &*target.0;
    let mut all: smallvec::SmallVec<[&Inner; 4]> = sources.iter().map(|storage| &*storage.0).collect();
    all.push(target);
    all.sort_unstable_by_key(|inner| std::ptr::from_ref(*inner) as usize);
    all.dedup_by(|a, b| std::ptr::eq(*a, *b));
    for inner in &all {
        if std::ptr::eq(*inner, target) {
            inner.lock.lock_exclusive();
        } else {
            inner.lock.lock_shared_recursive();
        }
    }
    all.retain(|inner| !std::ptr::eq(*inner, target));
    target.derived.clear();
    WriteGuard { target, reads: all }
}

/// Locks of many storages at once, in memory that is kept from one use to the next.
#[derive(Default)]
pub(crate) struct Locks {
    /// The storages, and whether they are locked exclusively.
    held: Vec<(Storage, bool)>,
}

/// What [`Locks::lock`] has locked.
pub(crate) struct LocksGuard<'a> {
    locks: &'a mut Locks,
    /// Whether a target is the same storage as another target or a source.
    pub shared: bool,
}

impl Locks {
    /// Locks `targets` for writing and `sources` for reading, each storage once, in the order of [`lock_for_write`].
    pub fn lock<'a>(
        &mut self,
        targets: impl Iterator<Item = &'a Storage>,
        sources: impl Iterator<Item = &'a Storage>,
    ) -> LocksGuard<'_> {
        let held = &mut self.held;
        held.extend(targets.map(|target| (target.clone(), true)));
        held.extend(sources.map(|source| (source.clone(), false)));
        held.sort_unstable_by_key(|(storage, exclusive)| (Arc::as_ptr(&storage.0) as usize, !exclusive));
        let mut shared = false;
        held.dedup_by(|next, kept| {
            let same = next.0.same(&kept.0);
            shared |= same && kept.1;
            same
        });
        for (storage, exclusive) in held.iter() {
            if *exclusive {
                storage.0.lock.lock_exclusive();
                storage.0.derived.clear();
            } else {
                storage.0.lock.lock_shared_recursive();
            }
        }
        LocksGuard { locks: self, shared }
    }
}

impl Drop for LocksGuard<'_> {
    fn drop(&mut self) {
        for (storage, exclusive) in self.locks.held.drain(..) {
            // SAFETY: `Locks::lock` locked it so.
            unsafe {
                match exclusive {
                    true => storage.0.lock.unlock_exclusive(),
                    false => storage.0.lock.unlock_shared(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_locked_once_each_and_let_go() {
        let storages: Vec<Storage> =
            (0..5).map(|_| Storage::uninit(16, DType::F32, Device::Cpu).unwrap()).collect();
        let mut locks = Locks::default();
        for _ in 0..2 {
            // A target twice, a source that is also a target, a source twice.
            let guard = locks.lock(
                [&storages[3], &storages[0], &storages[3]].into_iter(),
                [&storages[1], &storages[0], &storages[1]].into_iter(),
            );
            assert!(guard.shared);
            let locked = |at: usize| {
                let lock = &storages[at].0.lock;
                (lock.is_locked(), lock.is_locked_exclusive())
            };
            assert_eq!([0, 1, 2, 3].map(locked), [(true, true), (true, false), (false, false), (true, true)]);
            drop(guard);
            assert!(storages.iter().all(|storage| !storage.0.lock.is_locked()));
            let (a, b) = (&storages[0], &storages[1]);
            assert!(!locks.lock([a].into_iter(), [b, b].into_iter()).shared);
        }
    }

    #[test]
    fn writers_of_each_others_sources_do_not_deadlock() {
        let a = Storage::uninit(16, DType::F32, Device::Cpu).unwrap();
        let b = Storage::uninit(16, DType::F32, Device::Cpu).unwrap();
        std::thread::scope(|scope| {
            for (target, source) in [(&a, &b), (&b, &a)] {
                scope.spawn(move || {
                    for _ in 0..10_000 {
                        drop(lock_for_write(target, &[source, target]));
                        drop((source.read(), target.read(), source.read()));
                    }
                });
            }
        });
    }
}
