//! Page-locked host memory, which the device copies from and to by itself.

use std::{ffi::c_void, sync::Arc};

use bytemuck::Pod;
use cudarc::driver::{CudaContext, result};

use crate::{
    device::Device,
    error::{Context, Result},
    stream::{Event, Stream},
};

/// Host memory that copies can use without waiting: [`Buffer::write_pinned`](crate::Buffer::write_pinned) and
/// [`Buffer::read_pinned`](crate::Buffer::read_pinned) only queue. Looking at it waits for the copies queued before.
pub struct PinnedBuffer {
    context: Arc<CudaContext>,
    memory: *mut c_void,
    len: usize,
    pending: Option<Event>,
}

// SAFETY: the memory is owned by this value and reached only through it.
unsafe impl Send for PinnedBuffer {}
// SAFETY: shared access only reads, and after the pending copy is done.
unsafe impl Sync for PinnedBuffer {}

impl PinnedBuffer {
    /// `len` bytes of zeros.
    pub fn zeros(device: &Device, len: usize) -> Result<Self> {
        let context = device.context().clone();
        context.bind_to_thread().during("making a context current")?;
        // SAFETY: the memory is filled below before anything can read it.
        let memory = unsafe { result::malloc_host(len.max(1), 0) }.during("allocating pinned memory")?;
        // SAFETY: `memory` is a fresh allocation of at least `len` bytes.
        unsafe { std::ptr::write_bytes(memory.cast::<u8>(), 0, len) };
        Ok(PinnedBuffer { context, memory, len, pending: None })
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its elements, after the copies queued before. As many as fit whole; the memory is page-aligned.
    pub fn as_slice<T: Pod>(&self) -> Result<&[T]> {
        self.wait()?;
        // SAFETY: `len` initialised bytes, page-aligned, no copy pending, and `T` may have any bit pattern.
        Ok(unsafe { std::slice::from_raw_parts(self.memory.cast::<T>(), self.len / size_of::<T>().max(1)) })
    }

    /// Its elements to write, after the copies queued before.
    pub fn as_mut_slice<T: Pod>(&mut self) -> Result<&mut [T]> {
        self.wait()?;
        self.pending = None;
        // SAFETY: as in `as_slice`, and `self` is borrowed mutably.
        Ok(unsafe {
            std::slice::from_raw_parts_mut(self.memory.cast::<T>(), self.len / size_of::<T>().max(1))
        })
    }

    /// Runs `queue`, which queues a copy on `stream`, and remembers its end.
    pub(super) fn queued(
        &mut self,
        stream: &Stream,
        queue: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        if self.len == 0 {
            return Ok(());
        }
        self.wait()?;
        // SAFETY: `len` initialised bytes that only the queued copy touches until `wait` returns.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.memory.cast::<u8>(), self.len) };
        queue(bytes)?;
        match stream.record(false) {
            Ok(event) => self.pending = Some(event),
            Err(error) => {
                stream.synchronize()?;
                return Err(error);
            }
        }
        Ok(())
    }

    fn wait(&self) -> Result<()> {
        self.pending.as_ref().map_or(Ok(()), Event::synchronize)
    }
}

impl Drop for PinnedBuffer {
    fn drop(&mut self) {
        let waited = self.wait();
        if waited.is_err() && self.context.synchronize().is_err() {
            // The device may still copy: leaking is the only safe end.
            return;
        }
        let bound = self.context.bind_to_thread();
        // SAFETY: allocated by `malloc_host`, freed once, and no copy is pending.
        self.context.record_err(bound.and_then(|()| unsafe { result::free_host(self.memory) }));
    }
}
