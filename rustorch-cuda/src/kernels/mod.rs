//! Kernels for structured operations, written in CUDA C next to their launchers.

pub mod reduce;
pub mod softmax;

use std::{collections::HashMap, hash::Hash, sync::LazyLock};

use parking_lot::RwLock;

use crate::{
    device::Device,
    dtype::DType,
    elementwise::PRELUDE,
    error::{Error, Result},
    memory::Buffer,
    nvrtc::{Kernel, Source},
};

/// The axis that a kernel works along, with everything before it and after it joined: (outer, dim, inner).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// The product of the sizes before the axis.
    pub outer: usize,
    /// The axis's own size.
    pub dim: usize,
    /// The product of the sizes after it; 1 for the last axis.
    pub inner: usize,
}

impl Axis {
    /// The elements of the whole.
    pub fn elements(self) -> usize {
        self.outer * self.dim * self.inner
    }
}

/// Contiguous elements: a buffer and the first element's number.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    /// The memory.
    pub buffer: &'a Buffer,
    /// The first element, counted in elements from the buffer's start.
    pub offset: usize,
}

impl Elements<'_> {
    /// The address of the first of `count` elements, once all of them are known to lie inside the buffer.
    pub(crate) fn address(&self, op: &str, device: &Device, dtype: DType, count: usize) -> Result<u64> {
        if self.buffer.device() != device {
            let message = format!(
                "an operand lies on device {}, not {}",
                self.buffer.device().ordinal(),
                device.ordinal()
            );
            return Err(Error::invalid(op, message));
        }
        let (size, start) = (dtype.size(), self.offset.saturating_mul(dtype.size()));
        let address = self.buffer.region(op, start..start.saturating_add(count.saturating_mul(size)))?;
        self.buffer.used_on_current_stream();
        Ok(address)
    }
}

/// The kernels of one source file that are loaded, by device and by what they were specialised for.
pub(crate) struct Kernels<K> {
    name: &'static str,
    code: &'static str,
    loaded: LazyLock<RwLock<HashMap<(usize, K), Kernel>>>,
}

impl<K: Eq + Hash + Clone> Kernels<K> {
    pub const fn new(name: &'static str, code: &'static str) -> Self {
        Kernels { name, code, loaded: LazyLock::new(RwLock::default) }
    }

    /// The kernel `entry` with these definitions, which `key` determines.
    pub fn get(
        &self,
        device: &Device,
        key: K,
        entry: &str,
        defines: impl FnOnce() -> Vec<String>,
    ) -> Result<Kernel> {
        let key = (device.ordinal(), key);
        if let Some(kernel) = self.loaded.read().get(&key) {
            return Ok(kernel.clone());
        }
        let code = self.text(&defines());
        let kernel = Kernel::new(device, Source { name: self.name, code: &code, options: &[] }, entry)?;
        Ok(self.loaded.write().entry(key).or_insert(kernel).clone())
    }

    /// The whole source: the prelude, the definitions (which may name types of the prelude) and the file.
    pub fn text(&self, defines: &[String]) -> String {
        let defines: String = defines.iter().map(|define| format!("#define {define}\n")).collect();
        format!("{PRELUDE}\n{defines}\n{}", self.code)
    }
}

/// Refuses types that the floating-point kernels do not take.
fn float_only(op: &str, dtype: DType) -> Result<()> {
    match dtype.is_float() {
        true => Ok(()),
        false => Err(Error::invalid(op, format!("takes f32, f64, f16 and bf16, not {dtype}"))),
    }
}
