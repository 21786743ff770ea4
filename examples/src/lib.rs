//! What the examples share: networks, data, training on digits, progress bars, pictures, and errors as a person reads them.

pub mod arguments;
pub mod digits;
pub mod networks;
pub mod picture;
pub mod text;

use std::fmt;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

pub use arguments::arguments;

/// Any error. `main` prints what it says, not how it is made.
pub struct Failure(Box<dyn std::error::Error>);

/// What can fail in an example.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into().into())
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A file or folder of the data that the repository carries.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// A bar for `steps` steps that shows a message, the rate and the time left.
pub fn progress(steps: usize, title: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg} {per_sec} eta {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(steps as u64).with_style(style).with_prefix(title.to_string())
}
