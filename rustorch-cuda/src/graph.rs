//! CUDA graphs: a sequence of launches recorded once and replayed as one.

use cudarc::driver::{CudaGraph, sys};
use parking_lot::Mutex;

use crate::{
    device::Device,
    error::{Context, Error, Result},
    stream::{Stream, next_pool_key},
};

/// A recorded sequence of kernels and copies.
///
/// A replay runs the same kernels on the same addresses with the same scalar arguments. Memory that was allocated
/// while recording stays reserved for the graph until it is dropped, so that no replay writes into somebody else's
/// buffer; buffers that the recorded work reads or writes and that existed before must be kept alive by the caller.
pub struct Graph {
    device: Device,
    stream: Stream,
    pool: u64,
    /// The driver does not serialise calls on one graph.
    graph: Mutex<Option<CudaGraph>>,
}

// SAFETY: the driver's graph handles may be used from any thread, one at a time, which the mutex sees to.
unsafe impl Send for Graph {}
// SAFETY: as above.
unsafe impl Sync for Graph {}

impl Graph {
    /// Records what `work` queues on `stream`, which is the current stream meanwhile. Nothing runs yet.
    ///
    /// `work` must not wait for the device or copy from or to pageable memory. Run it once before, so that its kernels
    /// are compiled and its library handles exist.
    pub fn capture(device: &Device, stream: &Stream, work: impl FnOnce() -> Result<()>) -> Result<Graph> {
        let pool = next_pool_key();
        // Relaxed: the allocator may ask the driver for a segment meanwhile.
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        stream.cudarc().begin_capture(mode).during("starting to record a graph")?;
        stream.set_capture_pool(pool);
        let done = {
            let _current = stream.enter();
            work()
        };
        stream.set_capture_pool(0);
        let ended = stream.cudarc().end_capture(sys::CUgraphInstantiate_flags(0)).during("recording a graph");
        let graph = Graph { device: device.clone(), stream: stream.clone(), pool, graph: Mutex::new(None) };
        done?;
        let recorded = ended?.ok_or_else(|| Error::invalid("graph", "nothing was recorded"))?;
        *graph.graph.lock() = Some(recorded);
        Ok(graph)
    }

    /// Queues one replay on the stream it was recorded on.
    pub fn launch(&self) -> Result<()> {
        let graph = self.graph.lock();
        graph.as_ref().map_or(Ok(()), |graph| graph.launch().during("replaying a graph"))
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        *self.graph.get_mut() = None;
        self.device.memory().rekey(self.pool, self.stream.home_pool());
    }
}
