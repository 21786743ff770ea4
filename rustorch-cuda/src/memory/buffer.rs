//! A region of device memory.

use std::{fmt, ops::Range};

use bytemuck::Pod;
use cudarc::driver::{result, sys};
use parking_lot::Mutex;

use super::PinnedBuffer;
use crate::{
    device::Device,
    error::{Context, Error, Result},
    stream::Stream,
};

/// Bytes on a device, from the caching allocator. Dropping it gives them back.
///
/// Like a PyTorch storage it is bytes, not elements: what they mean is the caller's knowledge. Copies and kernels are
/// queued on the thread's current stream and take `&Buffer` also where they write, since no Rust reference ever points
/// into device memory; two of them on one stream run in order, and work on different streams is ordered by the caller.
/// Every region is checked against the buffer's length before anything is queued.
///
/// Fresh memory from [`Buffer::uninit`] holds anything; reading it is not undefined behaviour (device memory is
/// plain bytes), but its numbers are arbitrary.
pub struct Buffer {
    device: Device,
    address: u64,
    len: usize,
    /// The key of the stream it was allocated on.
    home: u64,
    /// Other streams that work on it.
    users: Mutex<Vec<Stream>>,
}

impl Buffer {
    /// `len` bytes of arbitrary content, for work on the current stream.
    pub fn uninit(device: &Device, len: usize) -> Result<Self> {
        let stream = device.current_stream();
        let address = if len == 0 { 0 } else { device.memory().allocate(stream.pool(), len)? };
        Ok(Buffer {
            device: device.clone(),
            address,
            len,
            home: stream.pool(),
            users: Mutex::new(Vec::new()),
        })
    }

    /// `len` bytes of zeros.
    pub fn zeros(device: &Device, len: usize) -> Result<Self> {
        let buffer = Buffer::uninit(device, len)?;
        buffer.fill(0..len, 0)?;
        Ok(buffer)
    }

    /// A copy of host memory.
    pub fn from_slice<T: Pod>(device: &Device, values: &[T]) -> Result<Self> {
        let buffer = Buffer::uninit(device, size_of_val(values))?;
        buffer.write(0, values)?;
        Ok(buffer)
    }

    /// The device it lies on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The device address of its first byte, a multiple of 512; 0 for an empty buffer.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Copies host memory to byte `offset`, and returns when `values` may be changed again.
    pub fn write<T: Pod>(&self, offset: usize, values: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let at = self.region("copy to the device", offset..offset.saturating_add(bytes.len()))?;
        if bytes.is_empty() {
            return Ok(());
        }
        let stream = self.bound_stream()?;
        // SAFETY: the region is inside the buffer, and `bytes` lives until the stream is done, below.
        unsafe { result::memcpy_htod_async(at, bytes, stream.raw()) }.during("copying to the device")?;
        stream.synchronize()
    }

    /// Copies from byte `offset` to host memory, after all work queued before on the current stream.
    pub fn read<T: Pod>(&self, offset: usize, values: &mut [T]) -> Result<()> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(values);
        let at = self.region("copy to the host", offset..offset.saturating_add(bytes.len()))?;
        if bytes.is_empty() {
            return Ok(());
        }
        let stream = self.bound_stream()?;
        // SAFETY: the region is inside the buffer, and `bytes` is borrowed until the stream is done, below.
        unsafe { result::memcpy_dtoh_async(bytes, at, stream.raw()) }.during("copying to the host")?;
        stream.synchronize()
    }

    /// The whole buffer as host elements. Its length must be a multiple of their size.
    pub fn to_vec<T: Pod>(&self) -> Result<Vec<T>> {
        if !self.len.is_multiple_of(size_of::<T>().max(1)) {
            let message =
                format!("{} bytes are no whole number of elements of {} bytes", self.len, size_of::<T>());
            return Err(Error::invalid("copy to the host", message));
        }
        let mut values = vec![T::zeroed(); self.len / size_of::<T>().max(1)];
        self.read(0, &mut values)?;
        Ok(values)
    }

    /// Queues a copy from pinned memory to byte `offset`, without waiting for it.
    pub fn write_pinned(&self, offset: usize, source: &mut PinnedBuffer) -> Result<()> {
        let at = self.region("copy to the device", offset..offset.saturating_add(source.len()))?;
        let stream = self.bound_stream()?;
        source.queued(&stream, |bytes| {
            // SAFETY: the region is inside the buffer, and the pinned buffer waits for the stream before it is touched.
            unsafe { result::memcpy_htod_async(at, bytes, stream.raw()) }.during("copying to the device")
        })
    }

    /// Queues a copy from byte `offset` to pinned memory, without waiting for it.
    pub fn read_pinned(&self, offset: usize, target: &mut PinnedBuffer) -> Result<()> {
        let at = self.region("copy to the host", offset..offset.saturating_add(target.len()))?;
        let stream = self.bound_stream()?;
        target.queued(&stream, |bytes| {
            // SAFETY: the region is inside the buffer, and the pinned buffer waits for the stream before it is touched.
            unsafe { result::memcpy_dtoh_async(bytes, at, stream.raw()) }.during("copying to the host")
        })
    }

    /// Queues a copy of `len` bytes from another buffer, of this device or another. The regions must not overlap.
    pub fn copy_from(&self, offset: usize, source: &Buffer, source_offset: usize, len: usize) -> Result<()> {
        let to = self.region("copy on the device", offset..offset.saturating_add(len))?;
        let from = source.region("copy on the device", source_offset..source_offset.saturating_add(len))?;
        if len == 0 {
            return Ok(());
        }
        let stream = self.bound_stream()?;
        if self.device == source.device {
            // SAFETY: both regions are inside their buffers.
            return unsafe { result::memcpy_dtod_async(to, from, len, stream.raw()) }
                .during("copying on the device");
        }
        // The source was written on its own device's stream, and must not be freed there while it is read from here.
        stream.wait(&source.device.current_stream().record(false)?)?;
        self.device.context().bind_to_thread().during("making a context current")?;
        let contexts = (self.device.context().cu_ctx(), source.device.context().cu_ctx());
        // SAFETY: both regions are inside their buffers, each with its own context.
        unsafe { sys::cuMemcpyPeerAsync(to, contexts.0, from, contexts.1, len, stream.raw()) }
            .result()
            .during("copying between devices")?;
        source.record_stream(&stream);
        Ok(())
    }

    /// Queues setting every byte of a range.
    pub fn fill(&self, range: Range<usize>, value: u8) -> Result<()> {
        let at = self.region("fill", range.clone())?;
        if range.is_empty() {
            return Ok(());
        }
        let stream = self.bound_stream()?;
        // SAFETY: the region is inside the buffer.
        unsafe { result::memset_d8_async(at, value, range.len(), stream.raw()) }.during("filling memory")
    }

    /// Says that another stream than the one it was allocated on works on it: after the drop its memory is reused only
    /// when that stream, too, has passed the point of the drop.
    pub fn record_stream(&self, stream: &Stream) {
        let mut users = self.users.lock();
        if stream.pool() != self.home && !users.contains(stream) {
            users.push(stream.clone());
        }
    }

    /// Keeps the memory from being reused before this thread's current stream is done with it.
    pub(crate) fn used_on_current_stream(&self) {
        let stream = self.device.current_stream();
        if stream.pool() != self.home {
            self.record_stream(&stream);
        }
    }

    /// The address of a range, if the buffer has it.
    pub(crate) fn region(&self, op: &str, range: Range<usize>) -> Result<u64> {
        if range.start > range.end || range.end > self.len {
            let message = format!("bytes {}..{} of a buffer of {} bytes", range.start, range.end, self.len);
            return Err(Error::invalid(op, message));
        }
        Ok(self.address + range.start as u64)
    }

    fn bound_stream(&self) -> Result<Stream> {
        let stream = self.device.current_stream();
        stream.bind()?;
        Ok(stream)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.address == 0 {
            return;
        }
        let mut uses = Vec::new();
        for stream in self.users.get_mut().drain(..) {
            match stream.record(false) {
                Ok(event) => uses.push(event),
                // Without the event it is unknown when that stream is done, so wait for the device instead.
                Err(_) => drop(self.device.synchronize()),
            }
        }
        self.device.memory().free(self.address, uses);
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes at {:#x} on device {})", self.len, self.address, self.device.ordinal())
    }
}
