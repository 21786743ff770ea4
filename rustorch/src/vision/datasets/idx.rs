//! The IDX format of the MNIST files: a magic number, sizes, bytes.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// The content of an IDX file of unsigned bytes.
pub(super) struct Idx {
    pub path: PathBuf,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// The code of unsigned bytes in the magic number.
const UNSIGNED_BYTE: u8 = 0x08;

/// How many times its size a gzip file can hold at most: 258 bytes take 2 bits.
const GREATEST_RATIO: u64 = 1032;

/// Reads an IDX file of items of the given sizes: `name.gz` in the directory, or `name` unpacked.
///
/// # Errors
/// If there is no such file, or it is not what it should be; the message names the file, what was found and what was
/// expected.
pub(super) fn read(directory: &Path, name: &str, item: &[usize]) -> Result<Idx> {
    let packed = directory.join(format!("{name}.gz"));
    let plain = directory.join(name);
    let open = |path: &Path| {
        let file = File::open(path).map_err(|error| Error::io(path, &error))?;
        let size = file.metadata().map_err(|error| Error::io(path, &error))?.len();
        Ok::<_, Error>((BufReader::new(file), size))
    };
    if packed.exists() || !plain.exists() {
        let (file, size) = open(&packed)?;
        parse(&mut MultiGzDecoder::new(file), packed, size.saturating_mul(GREATEST_RATIO), item)
    } else {
        let (mut file, size) = open(&plain)?;
        parse(&mut file, plain, size, item)
    }
}

/// Reads items from a file that holds no more than `most` bytes.
fn parse(from: &mut dyn Read, path: PathBuf, most: u64, item: &[usize]) -> Result<Idx> {
    let rank = item.len() + 1;
    let format = |message: String| Error::Format { path: path.display().to_string(), message };
    let read_error = |error: io::Error, what: &str| match error.kind() {
        ErrorKind::UnexpectedEof => format(format!("the file ends in the middle of {what}")),
        ErrorKind::InvalidInput | ErrorKind::InvalidData => {
            format(format!("not a gzip file, or a damaged one: {error}"))
        }
        _ => Error::io(&path, &error),
    };
    let mut word = || {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).map_err(|error| read_error(error, "the header"))?;
        Ok::<u32, Error>(u32::from_be_bytes(bytes))
    };
    let expected = u32::from_be_bytes([0, 0, UNSIGNED_BYTE, rank as u8]);
    let magic = word()?;
    if magic != expected {
        return Err(format(format!(
            "the magic number is {magic:#010x}, expected {expected:#010x} (unsigned bytes of {rank} axes)"
        )));
    }
    let shape = (0..rank).map(|_| Ok(word()? as usize)).collect::<Result<Vec<_>>>()?;
    if shape[1..] != *item {
        return Err(format(format!("items of {} pixels, expected {}", sizes(&shape[1..]), sizes(item))));
    }
    // What the header claims is not believed: neither that memory will be needed for it, nor that it is there.
    let count = shape
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        .filter(|&count| count as u64 <= most)
        .ok_or_else(|| {
            format(format!("the header claims the sizes {shape:?}, more than the file can hold"))
        })?;
    let mut bytes = Vec::new();
    from.take(count as u64).read_to_end(&mut bytes).map_err(|error| read_error(error, "the data"))?;
    if bytes.len() < count {
        return Err(format(format!(
            "cut off: the header claims {count} bytes of data for the sizes {shape:?}, but there are {}",
            bytes.len()
        )));
    }
    // Reading to the end also makes the decoder compare the checksum.
    let rest = io::copy(from, &mut io::sink()).map_err(|error| read_error(error, "the data"))?;
    if rest > 0 {
        return Err(format(format!("{rest} bytes follow the {count} that the sizes {shape:?} account for")));
    }
    Ok(Idx { path, shape, bytes })
}

fn sizes(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}
