//! Streams (queues of device work) and events (marks in them).

use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cudarc::driver::{CudaContext, CudaStream, result, sys};

use crate::error::{Context, Result};

/// A queue of work on one device. Work on one stream runs in order; work on two streams may overlap, and is ordered by
/// [`Stream::wait`] only. A clone is the same queue.
///
/// As in PyTorch every thread has a current stream for each device, at first the device's default stream, on which all
/// kernels and allocations of that thread go: see [`Stream::enter`]. No stream here is CUDA's legacy stream 0, so
/// none waits for another implicitly, and every one can be captured in a graph.
#[derive(Clone)]
pub struct Stream(Arc<Inner>);

struct Inner {
    raw: Arc<CudaStream>,
    /// The key under which freed memory waits to be used again by this stream.
    pool: u64,
    /// The key that replaces it while this stream is captured in a graph, or 0.
    capture_pool: AtomicU64,
}

/// A number that no other stream or graph of this process has.
pub(crate) fn next_pool_key() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

thread_local! {
    /// The streams that this thread entered, innermost last.
    static ENTERED: RefCell<Vec<Stream>> = const { RefCell::new(Vec::new()) };
}

impl Stream {
    pub(crate) fn new(context: &Arc<CudaContext>) -> Result<Self> {
        let raw = context.new_stream().during("creating a stream")?;
        Ok(Stream(Arc::new(Inner { raw, pool: next_pool_key(), capture_pool: AtomicU64::new(0) })))
    }

    /// Makes this the thread's current stream of its device until the guard is dropped.
    #[must_use = "the stream is current only as long as the guard lives"]
    pub fn enter(&self) -> StreamGuard {
        ENTERED.with_borrow_mut(|entered| entered.push(self.clone()));
        StreamGuard { stream: self.clone(), not_send: std::marker::PhantomData }
    }

    /// The innermost stream that this thread entered on a device.
    pub(crate) fn entered(ordinal: usize) -> Option<Stream> {
        ENTERED
            .with_borrow(|entered| entered.iter().rev().find(|stream| stream.ordinal() == ordinal).cloned())
    }

    /// The number of the stream's device.
    pub fn ordinal(&self) -> usize {
        self.0.raw.context().ordinal()
    }

    /// Blocks the calling thread until everything queued so far is done. An error of an earlier kernel is reported here.
    pub fn synchronize(&self) -> Result<()> {
        self.0.raw.synchronize().during("waiting for a stream")
    }

    /// Whether everything queued so far is done.
    pub fn is_idle(&self) -> Result<bool> {
        self.bind()?;
        // SAFETY: the handle is alive as long as `self`.
        ready(unsafe { sys::cuStreamQuery(self.raw()) }, "querying a stream")
    }

    /// Marks the present end of the queue. `timed` events can be given to [`Event::elapsed_ms`].
    pub fn record(&self, timed: bool) -> Result<Event> {
        self.bind()?;
        let flags = match timed {
            true => sys::CUevent_flags::CU_EVENT_DEFAULT,
            false => sys::CUevent_flags::CU_EVENT_DISABLE_TIMING,
        };
        let event = result::event::create(flags).during("creating an event")?;
        let event = Event { event, context: self.0.raw.context().clone() };
        // SAFETY: both handles are alive.
        unsafe { result::event::record(event.event, self.raw()) }.during("recording an event")?;
        Ok(event)
    }

    /// Lets everything queued from now on wait for the event, which may be of another stream or device.
    pub fn wait(&self, event: &Event) -> Result<()> {
        self.bind()?;
        let flags = sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT;
        // SAFETY: both handles are alive.
        unsafe { result::stream::wait_event(self.raw(), event.event, flags) }.during("waiting for an event")
    }

    /// The driver's handle, for calls that this crate does not wrap.
    pub fn raw(&self) -> sys::CUstream {
        self.0.raw.cu_stream()
    }

    pub(crate) fn cudarc(&self) -> &Arc<CudaStream> {
        &self.0.raw
    }

    /// Makes the stream's context current for this thread, as every call of the driver needs.
    pub(crate) fn bind(&self) -> Result<()> {
        self.0.raw.context().bind_to_thread().during("making a context current")
    }

    pub(crate) fn pool(&self) -> u64 {
        match self.0.capture_pool.load(Ordering::Acquire) {
            0 => self.0.pool,
            capture => capture,
        }
    }

    pub(crate) fn home_pool(&self) -> u64 {
        self.0.pool
    }

    pub(crate) fn set_capture_pool(&self, pool: u64) {
        self.0.capture_pool.store(pool, Ordering::Release);
    }
}

impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Stream {}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} of device {})", self.0.pool, self.ordinal())
    }
}

/// Restores the thread's previous current stream when dropped. See [`Stream::enter`].
pub struct StreamGuard {
    stream: Stream,
    /// The current stream is the thread's, so the guard stays on its thread.
    not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let _ = self.not_send;
        ENTERED.with_borrow_mut(|entered| {
            if let Some(at) = entered.iter().rposition(|stream| *stream == self.stream) {
                entered.remove(at);
            }
        });
    }
}

/// A mark in a stream.
pub struct Event {
    event: sys::CUevent,
    context: Arc<CudaContext>,
}

// SAFETY: CUDA's events may be used from every thread; this type hands out no mutable access to anything else.
unsafe impl Send for Event {}
// SAFETY: as above; recording happens once, before the event is shared.
unsafe impl Sync for Event {}

impl Event {
    /// Blocks the calling thread until the mark is reached.
    pub fn synchronize(&self) -> Result<()> {
        self.context.bind_to_thread().during("making a context current")?;
        // SAFETY: the handle is alive.
        unsafe { result::event::synchronize(self.event) }.during("waiting for an event")
    }

    /// Whether the mark was reached.
    pub fn is_done(&self) -> Result<bool> {
        self.context.bind_to_thread().during("making a context current")?;
        // SAFETY: the handle is alive.
        ready(unsafe { sys::cuEventQuery(self.event) }, "querying an event")
    }

    /// Milliseconds of device time from this mark to a later one; both must be timed and reached.
    pub fn elapsed_ms(&self, later: &Event) -> Result<f32> {
        type Elapsed = unsafe extern "C" fn(*mut f32, sys::CUevent, sys::CUevent) -> sys::CUresult;
        later.synchronize()?;
        let mut milliseconds = 0.0;
        // cudarc's binding names the entry point of 12.8; this one is in every driver.
        // SAFETY: the driver is loaded (an event exists), and the signature is that of the CUDA driver API.
        let found = unsafe { sys::culib().get::<Elapsed>(b"cuEventElapsedTime\0") };
        let elapsed = found.map_err(|error| crate::Error::invalid("event timing", error.to_string()))?;
        // SAFETY: both events are alive and the pointer is to a live float.
        unsafe { elapsed(&mut milliseconds, self.event, later.event) }
            .result()
            .during("timing two events")?;
        Ok(milliseconds)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let bound = self.context.bind_to_thread();
        // SAFETY: the handle is destroyed once, here. The driver keeps what it still needs of a pending event.
        self.context.record_err(bound.and_then(|()| unsafe { result::event::destroy(self.event) }));
    }
}

fn ready(status: sys::CUresult, call: &'static str) -> Result<bool> {
    match status {
        sys::CUresult::CUDA_ERROR_NOT_READY => Ok(false),
        status => status.result().during(call).map(|()| true),
    }
}
