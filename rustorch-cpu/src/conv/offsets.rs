//! Tables of offsets, whose memory a thread keeps from one call to the next.

use std::cell::RefCell;
use std::ops::Deref;

/// Tables that a thread keeps.
const KEPT: usize = 8;

thread_local! {
    static FREE: RefCell<Vec<Vec<isize>>> = const { RefCell::new(Vec::new()) };
}

/// Offsets in elements. Collecting them allocates nothing once the thread has had tables of that size.
pub(super) struct Offsets(Vec<isize>);

impl FromIterator<isize> for Offsets {
    fn from_iter<I: IntoIterator<Item = isize>>(offsets: I) -> Self {
        // A thread that is ending has none any more.
        let mut table = FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten().unwrap_or_default();
        table.extend(offsets);
        Self(table)
    }
}

impl Deref for Offsets {
    type Target = [isize];

    fn deref(&self) -> &[isize] {
        &self.0
    }
}

impl Drop for Offsets {
    fn drop(&mut self) {
        let mut table = std::mem::take(&mut self.0);
        table.clear();
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                free.push(table);
            }
        });
    }
}
