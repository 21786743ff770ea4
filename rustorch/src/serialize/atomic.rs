//! Files that are written whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Writes a file so that at any time, also after a crash, its name stands for the old content or for all of the new. The
/// permissions of an old file stay; where the name is a symbolic link, what it shows is written.
///
/// # Errors
/// If the directory is missing, the disk is full, or the name is that of a folder or a device, among others; the old content
/// stays then.
///
/// ```
/// use rustorch::serialize::write_atomically;
/// let path = std::env::temp_dir().join("rustorch-doc-atomic.txt");
/// write_atomically(&path, b"whole")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"whole");
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn write_atomically(path: impl AsRef<Path>, content: &[u8]) -> Result<()> {
    let path = path.as_ref();
    replace(path, content).map_err(|error| Error::io(path, &error))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // Renaming would replace a link, or a device, by a file.
    let old = match fs::canonicalize(path) {
        Ok(target) => Some((fs::metadata(&target)?, target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let (permissions, target) = match &old {
        Some((old, _)) if old.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Some((old, _)) if !old.is_file() => return Err(invalid("not a regular file")),
        Some((old, target)) => (Some(old.permissions()), target.as_path()),
        None => (None, path),
    };
    let temporary = temporary_beside(target).ok_or_else(|| invalid("not the path of a file"))?;
    let result = write_and_rename(target, &temporary, content, permissions);
    if result.is_err() {
        // The error is what matters; a temporary file that cannot be removed was most likely never made.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn write_and_rename(
    path: &Path,
    temporary: &Path,
    content: &[u8],
    permissions: Option<Permissions>,
) -> io::Result<()> {
    let mut file = File::create_new(temporary)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)?;
    // The rename is on the disk once the directory is; elsewhere than on Unix directories cannot be opened.
    #[cfg(unix)]
    File::open(parent(path))?.sync_all()?;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name in the same directory that no other writer uses.
fn temporary_beside(path: &Path) -> Option<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name()?.to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Some(parent(path).join(format!(".{name}.{}-{count}.tmp", std::process::id())))
}
