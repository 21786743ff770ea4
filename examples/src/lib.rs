//! What the examples share: where the data lies, progress bars, and pictures.

pub mod networks;
pub mod picture;

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

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
