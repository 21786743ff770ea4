//! The gradients of a network's parameters during a backward pass.

use crate::{DType, Device, Result, Tensor};

/// The parameters whose gradients are wanted, found by their identity.
#[derive(Default)]
pub(super) struct Parameters {
    /// Sorted by `id`.
    slots: Vec<Slot>,
    /// Contributions to gradients so far, those of passes before included.
    pub computed: usize,
}

struct Slot {
    id: usize,
    /// The position among the network's parameters.
    position: usize,
    grad: Option<Tensor>,
    /// Whether the gradient has its first contribution.
    written: bool,
}

/// Where a contribution goes.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub ptr: *mut f32,
    /// Whether it is to be added to what is there.
    pub accumulate: bool,
}

impl Parameters {
    /// Makes these the parameters, keeping the memory of the list.
    pub fn renew(&mut self, parameters: &[Tensor]) {
        self.slots.clear();
        let wanted = parameters.iter().enumerate().filter(|(_, parameter)| parameter.requires_grad());
        self.slots.extend(wanted.map(|(position, parameter)| Slot {
            id: parameter.id(),
            position,
            grad: None,
            written: false,
        }));
        self.slots.sort_unstable_by_key(|slot| slot.id);
    }

    /// Sets the tensors that gradients are written to.
    pub fn bind(&mut self, grads: impl Fn(usize) -> Option<Tensor>) {
        for slot in &mut self.slots {
            slot.grad = grads(slot.position);
        }
    }

    /// Begins a backward pass: what a gradient holds will be overwritten.
    pub fn restart(&mut self) {
        for slot in &mut self.slots {
            slot.written = false;
        }
    }

    /// Where the gradient of a parameter goes; `None` if it is not wanted.
    pub fn target(&mut self, parameter: &Tensor) -> Result<Option<Target>> {
        let Ok(at) = self.slots.binary_search_by_key(&parameter.id(), |slot| slot.id) else {
            return Ok(None);
        };
        let slot = &mut self.slots[at];
        let grad = match &slot.grad {
            Some(grad) => grad,
            None => slot.grad.insert(Tensor::uninit(parameter.shape(), DType::F32, Device::Cpu)?),
        };
        self.computed += 1;
        let accumulate = std::mem::replace(&mut slot.written, true);
        Ok(Some(Target { ptr: grad.host_ptr().cast(), accumulate }))
    }

    /// Hands out the gradients by position; those that nothing contributed to are left out.
    pub fn take(&mut self, mut give: impl FnMut(usize, Tensor)) {
        for slot in &mut self.slots {
            if let (true, Some(grad)) = (slot.written, slot.grad.take()) {
                give(slot.position, grad);
            }
        }
    }
}
