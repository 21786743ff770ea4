//! The disk cache of compiled kernels.
//!
//! A file holds the whole key next to the image, and a checksum over both, so neither a collision of file names nor a
//! file that was cut short or damaged is ever taken for a kernel: it is compiled again and replaced. Files are
//! written under another name and then renamed, so that processes which compile the same kernel at once do not mix.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

const MAGIC: &[u8; 8] = b"RTCUBIN1";
const HEADER: usize = 8 + 3 * 8;

/// A folder of compiled kernels, or none when no folder can be had.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// `$RUSTORCH_CACHE_DIR`, else the user's cache folder. An empty variable turns the cache off.
    pub fn from_environment() -> Self {
        let chosen = env::var_os("RUSTORCH_CACHE_DIR").map(PathBuf::from);
        if chosen.as_ref().is_some_and(|folder| folder.as_os_str().is_empty()) {
            return Cache { folder: None };
        }
        let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let user =
            || env::var_os("XDG_CACHE_HOME").or_else(|| env::var_os("LOCALAPPDATA")).map(PathBuf::from);
        let folder = chosen.or_else(|| user().or_else(home).map(|folder| folder.join("rustorch")));
        Cache { folder: folder.map(|folder| folder.join("cuda")) }
    }

    #[cfg(test)]
    pub fn in_folder(folder: PathBuf) -> Self {
        Cache { folder: Some(folder) }
    }

    /// The image stored for this key, if there is a whole and undamaged one.
    pub fn read(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.path(key)?).ok()?;
        let (header, body) = bytes.split_at_checked(HEADER)?;
        let number = |at: usize| Some(u64::from_le_bytes(header.get(at..at + 8)?.try_into().ok()?));
        let (key_len, image_len, sum) = (number(8)? as usize, number(16)? as usize, number(24)?);
        let whole = &header[..8] == MAGIC && key_len.checked_add(image_len) == Some(body.len());
        if !whole || fnv(body, FNV_SEED) != sum {
            return None;
        }
        let (stored, image) = body.split_at(key_len);
        (stored == key.as_bytes()).then(|| image.to_vec())
    }

    /// Stores an image. A cache that cannot be written costs a compilation next time and nothing else.
    pub fn write(&self, key: &str, image: &[u8]) {
        if let Some(path) = self.path(key) {
            let _ = write_whole(&path, key, image);
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let bytes = key.as_bytes();
        let name = format!(
            "{:016x}{:016x}.cubin",
            fnv(bytes, FNV_SEED),
            fnv(bytes, FNV_SEED ^ 0x9E37_79B9_7F4A_7C15)
        );
        Some(self.folder.as_ref()?.join(name))
    }
}

fn write_whole(path: &Path, key: &str, image: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("the path was made by joining a name to a folder");
    fs::create_dir_all(folder)?;
    let mut bytes = Vec::with_capacity(HEADER + key.len() + image.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(key.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(image.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(image);
    let sum = fnv(&bytes[HEADER..], FNV_SEED);
    bytes[24..32].copy_from_slice(&sum.to_le_bytes());

    let unique = crate::stream::next_pool_key();
    let partial = path.with_extension(format!("{}-{unique}.partial", std::process::id()));
    fs::write(&partial, &bytes)?;
    fs::rename(&partial, path).inspect_err(|_| drop(fs::remove_file(&partial)))
}

const FNV_SEED: u64 = 0xCBF2_9CE4_8422_2325;

/// The FNV-1a hash.
fn fnv(bytes: &[u8], seed: u64) -> u64 {
    bytes.iter().fold(seed, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(name: &str) -> (Cache, PathBuf) {
        let folder = env::temp_dir().join(format!("rustorch-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        (Cache::in_folder(folder.clone()), folder)
    }

    #[test]
    fn what_is_written_is_read_and_leaves_no_partial_file() {
        let (cache, folder) = fresh("roundtrip");
        assert_eq!(cache.read("key"), None);
        cache.write("key", b"image");
        cache.write("key", b"image");
        assert_eq!(cache.read("key").as_deref(), Some(&b"image"[..]));
        assert_eq!(cache.read("another key"), None);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_or_foreign_entry_is_no_entry() {
        let (cache, folder) = fresh("damage");
        cache.write("key", b"image");
        let path = cache.path("key").unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(cache.read("key"), None, "cut to {cut} bytes");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(cache.read("key"), None, "byte {at} changed");
        }
        // A collision of names: the file of another key under this key's name.
        cache.write("other", b"image");
        fs::copy(cache.path("other").unwrap(), &path).unwrap();
        assert_eq!(cache.read("key"), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_no_error() {
        let cache = Cache::in_folder(PathBuf::from("/proc/no-such-folder"));
        cache.write("key", b"image");
        assert_eq!(cache.read("key"), None);
    }
}
