//! Moving tensors between devices.

use crate::autograd::{Grads, record};
use crate::{Device, Result, Tensor};

impl Tensor {
    /// The tensor on another device; itself if it is there already (`torch.Tensor.to(device)`). The gradient flows back to
    /// this tensor's device.
    ///
    /// # Errors
    /// If the device is not there or does not have the memory. The message says what is missing: the feature `cuda`, the
    /// driver, or the device.
    ///
    /// ```
    /// use rustorch::{Device, Tensor};
    /// let x = Tensor::from([1.0f32, 2.0]);
    /// assert!(x.to_device(Device::Cpu)?.is_same(&x));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn to_device(&self, device: Device) -> Result<Tensor> {
        if device == self.device() {
            return Ok(self.clone());
        }
        let output = self.move_raw(device)?;
        let own = self.device();
        record("to_device", &[&output], &[self], || {
            Box::new(move |ctx| Ok(Grads::from_iter([Some(ctx.grad()?.to_device(own)?)])))
        });
        Ok(output)
    }

    /// The tensor in main memory (`torch.Tensor.cpu`).
    ///
    /// # Errors
    /// If the device that holds it fails.
    #[inline]
    pub fn cpu(&self) -> Result<Tensor> {
        self.to_device(Device::Cpu)
    }

    /// The tensor on the first GPU (`torch.Tensor.cuda`).
    ///
    /// # Errors
    /// As [`Tensor::to_device`].
    #[inline]
    pub fn cuda(&self) -> Result<Tensor> {
        self.to_device(Device::Cuda(0))
    }

    /// A contiguous copy on another device, unseen by autograd.
    #[cfg(feature = "cuda")]
    #[inline]
    pub(crate) fn move_raw(&self, device: Device) -> Result<Tensor> {
        use crate::storage::Memory;
        let source = if self.is_contiguous() { self.clone() } else { self.copy_raw(self.dtype())? };
        let output = Tensor::uninit(self.shape(), self.dtype(), device)?;
        let (start, bytes) = (source.layout().offset * self.dtype().size(), output.storage().bytes());
        let _guard = source.storage().read();
        let moved = match (source.storage().memory(), output.storage().memory()) {
            (Memory::Cpu(_), Memory::Cuda(buffer)) => {
                // SAFETY: contiguous and locked against writers.
                let data = unsafe { std::slice::from_raw_parts(source.host_ptr(), bytes) };
                buffer.write(0, data)
            }
            (Memory::Cuda(buffer), Memory::Cpu(_)) => {
                // SAFETY: `output` is ours alone and has this many bytes, all of which are written.
                let data = unsafe { std::slice::from_raw_parts_mut(output.host_ptr(), bytes) };
                buffer.read(start, data)
            }
            (Memory::Cuda(from), Memory::Cuda(to)) => to.copy_from(0, from, start, bytes),
            (Memory::Cpu(_), Memory::Cpu(_)) => unreachable!("the devices differ"),
        };
        let ordinal = match (self.device(), device) {
            (Device::Cuda(ordinal), _) | (_, Device::Cuda(ordinal)) => ordinal,
            (Device::Cpu, Device::Cpu) => unreachable!("the devices differ"),
        };
        moved.map_err(|error| crate::cuda::from_driver(ordinal, error))?;
        Ok(output)
    }

    /// Without the feature there is nowhere to move.
    #[cfg(not(feature = "cuda"))]
    #[inline]
    pub(crate) fn move_raw(&self, device: Device) -> Result<Tensor> {
        Err(crate::Error::no_cuda(device))
    }
}
