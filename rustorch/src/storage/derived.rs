//! What is computed from a storage's contents and kept as long as they stay the same: weights in a kernel's own order.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use super::Storage;

/// The value made last, and the version that it was made from.
#[derive(Default)]
pub(super) struct Slot(Mutex<Option<(u64, Arc<dyn Any + Send + Sync>)>>);

impl Storage {
    /// What `make` makes of the contents, or made when they were the same and the key too; one value is kept per storage.
    /// [`Storage::read`] is held meanwhile.
    pub fn derived<K, T>(&self, key: K, make: impl FnOnce() -> T) -> Arc<(K, T)>
    where
        K: PartialEq + Send + Sync + 'static,
        T: Send + Sync + 'static,
    {
        let version = self.version();
        let slot = || self.0.derived.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_from, kept)) = &*slot()
            && *made_from == version
            && let Ok(kept) = Arc::clone(kept).downcast::<(K, T)>()
            && kept.0 == key
        {
            return kept;
        }
        // Made without the lock: another thread may do the same at the same time, which does no harm.
        let made = Arc::new((key, make()));
        *slot() = Some((version, Arc::clone(&made) as Arc<dyn Any + Send + Sync>));
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
        storage.bump_version();
        assert_eq!([get(1), get(1)], [4, 4]);
    }
}
