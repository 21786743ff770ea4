//! What unit tests share.

use crate::{Error, nvrtc};

/// Compiles a source for Hopper. NVRTC needs no GPU; where it is not installed the test says so and proves nothing.
pub(crate) fn compiles(name: &str, code: &str) {
    match nvrtc::compile(nvrtc::Source { name, code, options: &[] }, (9, 0)) {
        Ok(image) => assert!(image.0.starts_with(b"\x7fELF"), "{name}: no cubin"),
        Err(Error::LibraryNotFound(reason)) => eprintln!("skipped compiling `{name}`: {reason}"),
        Err(error) => panic!("{error}"),
    }
}
