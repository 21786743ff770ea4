//! Loaded kernels and their launch.

use std::{
    collections::HashMap,
    ffi::{CString, c_void},
    fmt,
    sync::Arc,
};

use cudarc::driver::{CudaContext, result, sys};
use parking_lot::RwLock;
use smallvec::SmallVec;

use super::{Source, compile};
use crate::{
    device::Device,
    error::{Context, Error, Result},
};

/// The kernels of one device, compiled and loaded once.
pub(crate) struct Compiler {
    context: Arc<CudaContext>,
    arch: (u32, u32),
    modules: RwLock<HashMap<ModuleKey, Arc<Module>>>,
}

type ModuleKey = (Arc<str>, Vec<String>);

struct Module {
    context: Arc<CudaContext>,
    raw: sys::CUmodule,
}

// SAFETY: module handles may be used from any thread that has the context current.
unsafe impl Send for Module {}
// SAFETY: as above; nothing here changes a module after it is loaded.
unsafe impl Sync for Module {}

impl Drop for Module {
    fn drop(&mut self) {
        let bound = self.context.bind_to_thread();
        // SAFETY: loaded once, unloaded once; every kernel of it holds the module.
        self.context.record_err(bound.and_then(|()| unsafe { result::module::unload(self.raw) }));
    }
}

impl Compiler {
    pub fn new(context: Arc<CudaContext>, arch: (u32, u32)) -> Self {
        Compiler { context, arch, modules: RwLock::default() }
    }

    /// The kernel `entry` of this source, compiled for the device if it is not yet.
    fn kernel(&self, source: Source<'_>, entry: &str) -> Result<Kernel> {
        let key = (Arc::from(source.code), source.options.to_vec());
        let known = self.modules.read().get(&key).cloned();
        let module = match known {
            Some(module) => module,
            None => {
                let module = Arc::new(self.load(source)?);
                self.modules.write().entry(key).or_insert(module).clone()
            }
        };
        self.context.bind_to_thread().during("making a context current")?;
        let name = CString::new(entry)
            .map_err(|_| Error::invalid(source.name, "a kernel's name holds a zero byte"))?;
        // SAFETY: the module is loaded, and the kernel keeps it so.
        let function =
            unsafe { result::module::get_function(module.raw, name) }.during("looking up a kernel")?;
        Ok(Kernel(Arc::new(KernelInner { function, name: entry.to_owned(), _module: module })))
    }

    fn load(&self, source: Source<'_>) -> Result<Module> {
        let mut image = compile(source, self.arch)?.0;
        // PTX is text, which the driver reads up to a zero.
        image.push(0);
        self.context.bind_to_thread().during("making a context current")?;
        // SAFETY: the image is a whole cubin, or PTX that ends in a zero.
        let raw = unsafe { result::module::load_data(image.as_ptr().cast()) }.during("loading a kernel")?;
        Ok(Module { context: self.context.clone(), raw })
    }
}

/// A kernel that is loaded on a device. A clone is the same kernel.
#[derive(Clone)]
pub struct Kernel(Arc<KernelInner>);

struct KernelInner {
    function: sys::CUfunction,
    name: String,
    _module: Arc<Module>,
}

// SAFETY: function handles may be used from any thread that has the context current.
unsafe impl Send for KernelInner {}
// SAFETY: as above; nothing here changes a function after it is looked up.
unsafe impl Sync for KernelInner {}

/// The shape of a launch: blocks, threads of a block, and bytes of dynamic shared memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub blocks: (u32, u32),
    pub threads: (u32, u32),
}

impl Kernel {
    /// Compiles a source for the device (or takes it from the caches) and looks up one kernel in it.
    pub fn new(device: &Device, source: Source<'_>, entry: &str) -> Result<Self> {
        device.compiler().kernel(source, entry)
    }

    /// Queues the kernel on the device's current stream. `grid` are blocks and `block` threads, in x, y and z.
    ///
    /// # Safety
    /// The arguments must be those that the kernel declares, and every address among them must have the room that the
    /// kernel reads and writes, until it has run.
    pub unsafe fn launch(
        &self,
        device: &Device,
        grid: (u32, u32, u32),
        block: (u32, u32, u32),
        shared_bytes: u32,
        arguments: &Arguments,
    ) -> Result<()> {
        let stream = device.current_stream();
        stream.bind()?;
        let mut pointers = arguments.pointers();
        // SAFETY: the handles are alive, the pointers are to live values, and the caller vouches for what they mean.
        let status = unsafe {
            result::launch_kernel(self.0.function, grid, block, shared_bytes, stream.raw(), &mut pointers)
        };
        status.during("launching a kernel")
    }

    /// Launches on a grid of at most two dimensions.
    ///
    /// # Safety
    /// As for [`Kernel::launch`].
    pub(crate) unsafe fn run(&self, device: &Device, grid: Grid, arguments: &Arguments) -> Result<()> {
        let (blocks, threads) = (grid.blocks, grid.threads);
        // SAFETY: the caller's.
        unsafe { self.launch(device, (blocks.0, blocks.1, 1), (threads.0, threads.1, 1), 0, arguments) }
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.0.name)
    }
}

/// The arguments of a launch, in order. Each takes one or more slots of eight bytes.
#[derive(Debug, Default)]
pub struct Arguments {
    slots: SmallVec<[u64; 32]>,
    starts: SmallVec<[usize; 16]>,
}

impl Arguments {
    /// No arguments yet.
    pub fn new() -> Self {
        Arguments::default()
    }

    /// A device address.
    pub fn address(self, address: u64) -> Self {
        self.block(&[address])
    }

    /// A `long long`.
    pub fn integer(self, value: i64) -> Self {
        self.block(&[value as u64])
    }

    /// An `int` or `unsigned`.
    pub fn int(self, value: u32) -> Self {
        // Little-endian, as every host of an NVIDIA GPU is: the low half stands first.
        self.block(&[u64::from(value)])
    }

    /// A `double`.
    pub fn double(self, value: f64) -> Self {
        self.block(&[value.to_bits()])
    }

    /// A struct of eight-byte members.
    pub fn block(mut self, words: &[u64]) -> Self {
        self.starts.push(self.slots.len());
        self.slots.extend_from_slice(words);
        self
    }

    fn pointers(&self) -> SmallVec<[*mut c_void; 16]> {
        self.starts.iter().map(|&start| (&raw const self.slots[start]).cast_mut().cast()).collect()
    }
}
