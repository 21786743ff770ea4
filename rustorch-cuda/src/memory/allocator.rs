//! The caching allocator of one device, over `cuMemAlloc`.

use std::sync::Arc;

use cudarc::driver::{CudaContext, DriverError, result, sys::CUresult};
use parking_lot::Mutex;

use super::pool::{MemoryStats, Pool};
use crate::{
    error::{Context, Error, Result},
    stream::Event,
};

pub(crate) struct Allocator {
    context: Arc<CudaContext>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pool: Pool,
    /// Blocks that were freed while another stream still worked on them, with that work's ends.
    waiting: Vec<(u64, Vec<Event>)>,
}

impl Allocator {
    pub fn new(context: Arc<CudaContext>) -> Self {
        Allocator { context, state: Mutex::default() }
    }

    /// An address with room for `bytes`, for work on the stream that `key` names.
    pub fn allocate(&self, key: u64, bytes: usize) -> Result<u64> {
        let mut state = self.state.lock();
        state.reclaim()?;
        if let Some(address) = state.pool.take(key, bytes) {
            return Ok(address);
        }
        let size = Pool::segment_size(bytes);
        let address = self.segment(&mut state, size, bytes)?;
        state.pool.add_segment(key, bytes, address, size);
        Ok(state.pool.take(key, bytes).expect("a fresh segment fits its request"))
    }

    /// Takes a block back. `uses` are the ends of work on it on streams other than its own.
    pub fn free(&self, address: u64, uses: Vec<Event>) {
        let mut state = self.state.lock();
        match uses.is_empty() {
            true => state.pool.give(address),
            false => state.waiting.push((address, uses)),
        }
    }

    pub fn stats(&self) -> MemoryStats {
        self.state.lock().pool.stats
    }

    pub fn reset_peaks(&self) {
        let stats = &mut self.state.lock().pool.stats;
        stats.peak_allocated = stats.allocated;
        stats.peak_reserved = stats.reserved;
    }

    pub fn empty_cache(&self) -> Result<()> {
        self.release(&mut self.state.lock())
    }

    /// Lets the memory of a graph that is gone serve its stream.
    pub fn rekey(&self, from: u64, to: u64) {
        self.state.lock().pool.rekey(from, to);
    }

    /// A segment of the driver. If there is no room, cached segments are returned to it first.
    fn segment(&self, state: &mut State, size: usize, requested: usize) -> Result<u64> {
        self.context.bind_to_thread().during("making a context current")?;
        for attempt in 0..2 {
            // SAFETY: the memory is not read before it is written: see `Buffer`.
            match unsafe { result::malloc_sync(size) } {
                Ok(address) => return Ok(address),
                Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) if attempt == 0 => {
                    self.release(state)?
                }
                Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => break,
                other => return other.during("allocating device memory"),
            }
        }
        let (free, total) = self.context.mem_get_info().during("reading the free memory")?;
        let MemoryStats { allocated, reserved, .. } = state.pool.stats;
        Err(Error::OutOfMemory {
            ordinal: self.context.ordinal(),
            requested,
            free,
            total,
            allocated,
            reserved,
        })
    }

    fn release(&self, state: &mut State) -> Result<()> {
        self.context.bind_to_thread().during("making a context current")?;
        // Blocks that wait for another stream, and work queued on blocks already freed, both end here.
        self.context.synchronize().during("waiting for the device")?;
        state.reclaim()?;
        for address in state.pool.release() {
            // SAFETY: the address came from the driver, no block of it is in use and the device is idle.
            unsafe { result::free_sync(address) }.during("returning device memory")?;
        }
        Ok(())
    }
}

impl State {
    /// Takes back what no other stream works on any more.
    fn reclaim(&mut self) -> Result<()> {
        let mut at = 0;
        while at < self.waiting.len() {
            let mut done = true;
            for event in &self.waiting[at].1 {
                done &= event.is_done()?;
            }
            if done {
                let (address, _) = self.waiting.swap_remove(at);
                self.pool.give(address);
            } else {
                at += 1;
            }
        }
        Ok(())
    }
}
