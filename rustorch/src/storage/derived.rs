//! What is computed from a storage's contents and kept as long as they stay the same: weights in a kernel's own order.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Storage;

/// The value made last.
#[derive(Default)]
pub(super) struct Slot {
    filled: AtomicBool,
    value: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
}

impl Slot {
    /// Forgets the value, as the contents are about to change: called by whoever has locked them for writing.
    pub fn clear(&self) {
        // Most storages never have one.
        if self.filled.load(Ordering::Acquire) {
            self.filled.store(false, Ordering::Relaxed);
            *self.value.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Storage {
    /// What `make` makes of the contents, or made when the key was the same and nobody has written to them since; one
    /// value is kept per storage. [`Storage::read`] is held meanwhile.
    pub fn derived<K, T>(&self, key: K, make: impl FnOnce() -> T) -> Arc<(K, T)>
    where
        K: PartialEq + Send + Sync + 'static,
        T: Send + Sync + 'static,
    {
        let slot = &self.0.derived;
        let value = || slot.value.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*value()
            && let Ok(kept) = Arc::clone(kept).downcast::<(K, T)>()
            && kept.0 == key
        {
            return kept;
        }
        // Made without the lock: another thread may do the same at the same time, which does no harm.
        let made = Arc::new((key, make()));
        *value() = Some(Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        slot.filled.store(true, Ordering::Release);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Device};

    #[test]
    fn kept_until_contents_or_key_change() {
        let storage = Storage::uninit(4, DType::F32, Device::Cpu).unwrap();
        let mut made = 0;
        let mut get = |key: u8| {
            storage.derived(key, || {
                made += 1;
                made
            });
            made
        };
        assert_eq!([get(1), get(1), get(2), get(2), get(1)], [1, 1, 2, 2, 3]);
        drop(super::super::lock_for_write(&storage, &[]));
        assert_eq!([get(1), get(1)], [4, 4]);
    }
}
