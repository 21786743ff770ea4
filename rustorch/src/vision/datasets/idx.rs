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

/// Reads an IDX file of so many axes: `name.gz` in the directory, or `name` unpacked.
///
/// # Errors
/// If there is no such file, or it is not what it should be; the message names the file, what was found and what was
/// expected.
pub(super) fn read(directory: &Path, name: &str, rank: usize) -> Result<Idx> {
    let packed = directory.join(format!("{name}.gz"));
    let plain = directory.join(name);
    if packed.exists() || !plain.exists() {
        let file = File::open(&packed).map_err(|error| Error::io(&packed, &error))?;
        parse(&mut MultiGzDecoder::new(BufReader::new(file)), packed, rank)
    } else {
        let file = File::open(&plain).map_err(|error| Error::io(&plain, &error))?;
        parse(&mut BufReader::new(file), plain, rank)
    }
}

fn parse(from: &mut dyn Read, path: PathBuf, rank: usize) -> Result<Idx> {
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
    let count = shape
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        .filter(|&count| count <= isize::MAX as usize)
        .ok_or_else(|| format(format!("the header claims the sizes {shape:?}, more than memory can hold")))?;
    // What the header claims is not believed before it has been read.
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
