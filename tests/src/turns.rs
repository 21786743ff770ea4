//! Tests that must not run at the same time: they share the default random generator, or measure the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test of this binary that calls this is running.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
