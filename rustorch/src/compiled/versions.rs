//! Parameters that gradients read must not have changed since the forward pass. Those that no gradient reads, as biases, may have.

use std::cell::RefCell;

use crate::Tensor;

/// Parameters by the addresses of their storages, in their order, with the versions that a forward pass saw.
#[derive(Default)]
pub(super) struct Versions {
    seen: Vec<(usize, u64)>,
    /// The storage of the first that was read and had changed.
    changed: Option<usize>,
}

thread_local! {
    /// Those of the backward pass that runs on this thread.
    static WATCHED: RefCell<Option<Versions>> = const { RefCell::new(None) };
}

fn address(tensor: &Tensor) -> usize {
    tensor.storage().host_ptr() as usize
}

impl Versions {
    /// Makes these the parameters, keeping the memory of the list.
    pub fn renew(&mut self, parameters: &[Tensor]) {
        self.seen.clear();
        self.seen.extend(parameters.iter().map(|tensor| (address(tensor), tensor.storage().version())));
        self.seen.sort_unstable();
    }

    /// Runs `f`, which reads parameters. Whether `parameter` has changed is then known by [`Versions::has_changed`].
    pub fn watch<R>(&mut self, f: impl FnOnce() -> R) -> R {
        struct Restore<'a>(&'a mut Versions, Option<Versions>);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                if let Some(watched) = WATCHED.replace(self.1.take()) {
                    *self.0 = watched;
                }
            }
        }
        self.changed = None;
        let before = WATCHED.replace(Some(std::mem::take(self)));
        let _restore = Restore(self, before);
        f()
    }

    /// Whether this is the parameter that was read though it had changed.
    pub fn has_changed(&self, parameter: &Tensor) -> bool {
        self.changed == Some(address(parameter))
    }
}

/// Notes that a parameter is read, which is locked.
#[inline]
pub(super) fn note(parameter: &Tensor) {
    WATCHED.with_borrow_mut(|watched| {
        let Some(watched) = watched else { return };
        let address = address(parameter);
        let Ok(at) = watched.seen.binary_search_by_key(&address, |(address, _)| *address) else { return };
        if watched.seen[at].1 != parameter.storage().version() && watched.changed.is_none() {
            watched.changed = Some(address);
        }
    });
}
