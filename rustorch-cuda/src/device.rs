//! A CUDA device: its context, its properties and everything that is kept for it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};

use cudarc::driver::{CudaContext, sys::CUdevice_attribute as Attribute};
use parking_lot::Mutex;

use crate::{
    error::{Context, Error, Result},
    gemm::Blas,
    loader,
    memory::{Allocator, MemoryStats},
    nvrtc::Compiler,
    stream::Stream,
};

/// One GPU. A clone is the same device, and `Device::new` of one number is always the same device.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    context: Arc<CudaContext>,
    name: String,
    capability: (u32, u32),
    multiprocessors: u32,
    default_stream: Stream,
    memory: Allocator,
    compiler: Compiler,
    blas: OnceLock<Blas>,
}

impl Device {
    /// How many devices the driver sees. No driver is an error that says what was looked for.
    pub fn count() -> Result<usize> {
        loader::driver()?;
        Ok(CudaContext::device_count().during("counting devices")? as usize)
    }

    /// Whether there is a driver and at least one device.
    pub fn is_available() -> bool {
        Device::count().is_ok_and(|count| count > 0)
    }

    /// The device of this number, whose primary context is created on the first call.
    ///
    /// # Errors
    /// No driver, a driver older than CUDA 12.0, or no device of this number.
    pub fn new(ordinal: usize) -> Result<Self> {
        static DEVICES: Mutex<BTreeMap<usize, Device>> = Mutex::new(BTreeMap::new());
        let mut devices = DEVICES.lock();
        if let Some(device) = devices.get(&ordinal) {
            return Ok(device.clone());
        }
        let count = Device::count()?;
        if ordinal >= count {
            return Err(Error::NoDevice { ordinal, count });
        }
        let device = Device::open(ordinal)?;
        devices.insert(ordinal, device.clone());
        Ok(device)
    }

    fn open(ordinal: usize) -> Result<Self> {
        let context = CudaContext::new(ordinal).during("creating a context")?;
        // SAFETY: cudarc's tracking serves its own CudaSlice, which this crate never makes; streams order the work here.
        unsafe { context.disable_event_tracking() };
        let (major, minor) = context.compute_capability().during("reading the compute capability")?;
        let capability = (major as u32, minor as u32);
        let multiprocessors = context
            .attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
            .during("reading the number of multiprocessors")?;
        Ok(Device(Arc::new(Inner {
            name: context.name().during("reading the device's name")?,
            capability,
            multiprocessors: multiprocessors as u32,
            default_stream: Stream::new(&context)?,
            memory: Allocator::new(context.clone()),
            compiler: Compiler::new(context.clone(), capability),
            blas: OnceLock::new(),
            context,
        })))
    }

    /// The device's number.
    pub fn ordinal(&self) -> usize {
        self.0.context.ordinal()
    }

    /// The device's name, such as `NVIDIA H100 80GB HBM3`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The compute capability, `(9, 0)` for Hopper.
    pub fn compute_capability(&self) -> (u32, u32) {
        self.0.capability
    }

    /// The number of streaming multiprocessors.
    pub fn multiprocessors(&self) -> u32 {
        self.0.multiprocessors
    }

    /// Free and total bytes of the device, as the driver counts them. Cached blocks count as used.
    pub fn memory_info(&self) -> Result<(usize, usize)> {
        self.0.context.mem_get_info().during("reading the free memory")
    }

    /// A new stream of this device.
    pub fn new_stream(&self) -> Result<Stream> {
        Stream::new(&self.0.context)
    }

    /// The stream that a thread's work goes on unless it entered another.
    pub fn default_stream(&self) -> &Stream {
        &self.0.default_stream
    }

    /// The stream that this thread's work goes on now.
    pub fn current_stream(&self) -> Stream {
        Stream::entered(self.ordinal()).unwrap_or_else(|| self.0.default_stream.clone())
    }

    /// Blocks until all streams of the device are idle. An error of an earlier kernel is reported here.
    pub fn synchronize(&self) -> Result<()> {
        self.0.context.synchronize().during("waiting for the device")
    }

    /// What the allocator holds now and held at most.
    pub fn memory_stats(&self) -> MemoryStats {
        self.0.memory.stats()
    }

    /// Starts the peaks of [`Device::memory_stats`] again from the present numbers.
    pub fn reset_peak_memory_stats(&self) {
        self.0.memory.reset_peaks();
    }

    /// Returns cached memory that no buffer uses to the driver.
    pub fn empty_cache(&self) -> Result<()> {
        self.0.memory.empty_cache()
    }

    pub(crate) fn context(&self) -> &Arc<CudaContext> {
        &self.0.context
    }

    pub(crate) fn memory(&self) -> &Allocator {
        &self.0.memory
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.0.compiler
    }

    /// The device's cuBLASLt handle, created on the first product.
    pub(crate) fn blas(&self) -> Result<&Blas> {
        if let Some(blas) = self.0.blas.get() {
            return Ok(blas);
        }
        self.0.context.bind_to_thread().during("making a context current")?;
        let made = Blas::new()?;
        Ok(self.0.blas.get_or_init(|| made))
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Device {}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({}: {})", self.ordinal(), self.name())
    }
}
