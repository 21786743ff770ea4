//! What unit tests share.

use std::io::Write;

use crate::{Error, nvrtc};

/// Compiles a source for Hopper. NVRTC needs no GPU; where it is not installed the test says so and proves nothing.
pub(crate) fn compiles(name: &str, code: &str) {
    match nvrtc::compile(nvrtc::Source { name, code, options: &[] }, (9, 0)) {
        Ok(image) => assert!(image.0.starts_with(b"\x7fELF"), "{name}: no cubin"),
        Err(Error::LibraryNotFound(reason)) => {
            say(&format!("SKIPPED compiling `{name}` and the other kernels: {reason}"))
        }
        Err(error) => panic!("{error}"),
    }
}

/// Once, and past the harness's capture, so that it is always seen that these tests proved nothing.
fn say(line: &str) {
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| drop(writeln!(std::io::stderr(), "{line}")));
}
