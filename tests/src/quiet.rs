//! Calls that may panic with an error of the library.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// The line of the last panic.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What only a mistake inside the library panics with; `error::expect` shows messages for users.
const INTERNAL: [&str; 12] = [
    "index out of bounds",
    "attempt to",
    "called `",
    "assertion",
    "out of range for slice",
    "slice index",
    "internal",
    "removal index",
    "insertion index",
    "capacity overflow",
    "mid > len",
    "slice length",
];

/// Calls `f`. The error is the library's message, whether returned or, as by methods that return no `Result`, thrown; any
/// other panic outside the tests' own lines gives a message for which [`is_internal`] holds.
pub fn call<T>(f: impl FnOnce() -> rustorch::Result<T>) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                return default(info);
            }
            PLACE.set(info.location().map(ToString::to_string).unwrap_or_default());
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(false);
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string));
            let text = text.unwrap_or_else(|| "a panic without a message".into());
            let place = PLACE.take();
            if !place.starts_with("tests/") && INTERNAL.iter().any(|mark| text.contains(mark)) {
                return Err(format!("PANIC: {text} at {place}"));
            }
            Err(text)
        }
    }
}

/// Whether a message of [`call`] is that of a mistake inside the library.
pub fn is_internal(message: &str) -> bool {
    message.starts_with("PANIC: ")
}
