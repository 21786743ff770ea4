//! Moby-Dick, and pieces of it.

use std::path::Path;

use rustorch::Tensor;

use crate::{Failure, Result};

/// A whole text.
///
/// # Errors
/// If its file cannot be read; the message names it.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// `count` places in a sequence of `symbols` at which pieces of `length` begin, at random.
///
/// # Errors
/// If the sequence is too short, or `count` is 0.
pub fn places(symbols: usize, length: usize, count: usize) -> Result<Vec<i64>> {
    if symbols < length || count == 0 {
        return Err(Failure::new(format!(
            "{count} pieces of {length} symbols cannot be taken from a text of {symbols}"
        )));
    }
    Ok(Tensor::randint(0, (symbols - length + 1) as i64, [count]).to_vec()?)
}

/// The pieces `[count, length]` of a sequence that begin at these places.
///
/// # Errors
/// If one reaches past the end.
pub fn pieces(sequence: &Tensor, places: &[i64], length: usize) -> Result<Tensor> {
    let piece = |&place: &i64| sequence.narrow(0, place as usize, length);
    let pieces = places.iter().map(piece).collect::<rustorch::Result<Vec<_>>>()?;
    Ok(Tensor::stack(&pieces.iter().collect::<Vec<_>>(), 0)?)
}
