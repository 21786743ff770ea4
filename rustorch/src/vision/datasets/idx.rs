//! The IDX format of the MNIST files: a magic number, sizes, bytes.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// An IDX file of unsigned bytes, of which the header has been read.
pub(super) struct Idx {
    pub path: PathBuf,
    pub shape: Vec<usize>,
    /// The bytes that the sizes account for.
    count: usize,
    rest: Box<dyn Read>,
}

/// The code of unsigned bytes in the magic number.
const UNSIGNED_BYTE: u8 = 0x08;

/// How many times its size a gzip file can hold at most: 258 bytes take 2 bits.
const GREATEST_RATIO: u64 = 1032;

/// How much of what follows the data is read to say how long it is.
const MOST_BEHIND: u64 = 1 << 20;

/// Opens an IDX file of items of the given sizes: `name.gz` in the directory, or `name` unpacked.
///
/// # Errors
/// If there is no such file, or its header is not what it should be; the message names the file, what was found and what was
/// expected.
pub(super) fn open(directory: &Path, name: &str, item: &[usize]) -> Result<Idx> {
    let packed = directory.join(format!("{name}.gz"));
    let plain = directory.join(name);
    let open = |path: &Path| {
        let file = File::open(path).map_err(|error| Error::io(path, &error))?;
        let size = file.metadata().map_err(|error| Error::io(path, &error))?.len();
        Ok::<_, Error>((BufReader::new(file), size))
    };
    if packed.exists() || !plain.exists() {
        let (file, size) = open(&packed)?;
        let most = size.saturating_mul(GREATEST_RATIO);
        header(Box::new(MultiGzDecoder::new(file)), packed, most, item)
    } else {
        let (file, size) = open(&plain)?;
        header(Box::new(file), plain, size, item)
    }
}

/// Reads the header of a file that holds no more than `most` bytes.
fn header(mut from: Box<dyn Read>, path: PathBuf, most: u64, item: &[usize]) -> Result<Idx> {
    let rank = item.len() + 1;
    let mut word = || {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).map_err(|error| read_error(&path, &error, "the header"))?;
        Ok::<u32, Error>(u32::from_be_bytes(bytes))
    };
    let expected = u32::from_be_bytes([0, 0, UNSIGNED_BYTE, rank as u8]);
    let magic = word()?;
    if magic != expected {
        let message = format!(
            "the magic number is {magic:#010x}, expected {expected:#010x} (unsigned bytes of {rank} axes)"
        );
        return Err(format_error(&path, message));
    }
    let shape = (0..rank).map(|_| Ok(word()? as usize)).collect::<Result<Vec<_>>>()?;
    if shape[1..] != *item {
        let message = format!("items of {} pixels, expected {}", sizes(&shape[1..]), sizes(item));
        return Err(format_error(&path, message));
    }
    // What the header claims is not believed: neither that memory will be needed for it, nor that it is there.
    let count = shape
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        .filter(|&count| count as u64 <= most)
        .ok_or_else(|| {
            let message = format!("the header claims the sizes {shape:?}, more than the file can hold");
            format_error(&path, message)
        })?;
    Ok(Idx { path, shape, count, rest: from })
}

impl Idx {
    /// The bytes after the header.
    ///
    /// # Errors
    /// If the file is damaged, or holds fewer or more than the sizes account for.
    pub fn read(&mut self) -> Result<Vec<u8>> {
        let Self { path, shape, count, rest } = self;
        let mut bytes = Vec::new();
        rest.take(*count as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| read_error(path, &error, "the data"))?;
        if bytes.len() < *count {
            let message = format!(
                "cut off: the header claims {count} bytes of data for the sizes {shape:?}, but there are {}",
                bytes.len()
            );
            return Err(format_error(path, message));
        }
        // Reading to the end also makes the decoder compare the checksum.
        let behind = io::copy(&mut rest.take(MOST_BEHIND), &mut io::sink())
            .map_err(|error| read_error(path, &error, "the checksum, or of what follows it"))?;
        if behind > 0 {
            let least = if behind == MOST_BEHIND { "at least " } else { "" };
            let message =
                format!("{least}{behind} bytes follow the {count} that the sizes {shape:?} account for");
            return Err(format_error(path, message));
        }
        Ok(bytes)
    }
}

fn format_error(path: &Path, message: String) -> Error {
    Error::Format { path: path.display().to_string(), message }
}

fn read_error(path: &Path, error: &io::Error, what: &str) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => format_error(path, format!("the file ends in the middle of {what}")),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            format_error(path, format!("not a gzip file, or a damaged one: {error}"))
        }
        _ => Error::io(path, error),
    }
}

fn sizes(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}
