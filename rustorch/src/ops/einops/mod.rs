//! `rearrange`, `reduce` and `repeat` with einops patterns, at run time.
//!
//! Parsing and checking are `rustorch-shape`'s, shared with the macros; a pattern becomes at most one reshape, one
//! reduction, one permutation, one expansion and one reshape, each a tensor operation through which gradients flow.

mod execute;
mod site;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
use rustorch_shape::einops::{Operation, Pattern, PatternError};

use crate::{Error, Result, Tensor};
use execute::Reduction;
pub use site::Site;

/// Patterns that are kept; at one more, all are forgotten. Programs have few, unless they generate them.
const PATTERNS: usize = 1024;

/// Reorders, splits and merges axes by name; `einops.rearrange`.
///
/// The left side names the axes of `x`, the right side those of the result:
/// - a name stands for one axis, and both sides have the same names;
/// - `(h d)` is one axis made of two, the last the fastest. On the left it is split: of its parts one size is inferred, the
///   others stand in `sizes`;
/// - `...` stands for any number of axes, `1` for an axis of size 1.
///
/// The result shares storage with `x` where strides allow. Where the pattern is known at compile time,
/// [`rearrange!`](crate::rearrange!) checks it there.
///
/// ```
/// use rustorch::{Tensor, rearrange};
/// let x = Tensor::randn([8, 64, 10]);
/// let heads = rearrange(&x, "b (h d) t -> b h t d", &[("h", 4)])?;
/// assert_eq!(heads.shape(), [8, 4, 10, 16]);
/// assert_eq!(rearrange(&heads, "b h t d -> b t (h d)", &[])?.shape(), [8, 10, 64]);
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// A malformed pattern, or an operand that it does not fit; the message names the axis and both sizes.
#[inline]
pub fn rearrange(x: &Tensor, pattern: &str, sizes: &[(&str, usize)]) -> Result<Tensor> {
    run(Operation::Rearrange, x, pattern, None, sizes)
}

/// Reduces the axes that the right side of `pattern` does not have, by `"sum"`, `"mean"`, `"max"`, `"min"` or `"prod"`;
/// `einops.reduce`. The notation is that of [`rearrange`]; on the left, `(h 2)` is an axis of pairs.
///
/// ```
/// use rustorch::{Tensor, reduce};
/// let x = Tensor::arange(0, 16, 1)?.reshape([1, 4, 4])?;
/// let pooled = reduce(&x, "b (h 2) (w 2) -> b h w", "max", &[])?;
/// assert_eq!(pooled.to_vec::<i64>()?, [5, 7, 13, 15]);
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// As [`rearrange`]; also for an unknown reduction, and a dtype that has no such reduction.
#[inline]
pub fn reduce(x: &Tensor, pattern: &str, reduction: &str, sizes: &[(&str, usize)]) -> Result<Tensor> {
    run(Operation::Reduce, x, pattern, Some(Reduction::parse(reduction)?), sizes)
}

/// Repeats elements along new axes; `einops.repeat`. The notation is that of [`rearrange`]; axes that only the right side
/// has are new, and their sizes stand in `sizes` or in the pattern.
///
/// ```
/// use rustorch::{Tensor, repeat};
/// let x = Tensor::from([[1i64, 2], [3, 4]]);
/// assert_eq!(repeat(&x, "h w -> h (w r)", &[("r", 2)])?.to_vec::<i64>()?, [1, 1, 2, 2, 3, 3, 4, 4]);
/// assert_eq!(repeat(&x, "h w -> 3 h w", &[])?.shape(), [3, 2, 2]);
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// As [`rearrange`].
#[inline]
pub fn repeat(x: &Tensor, pattern: &str, sizes: &[(&str, usize)]) -> Result<Tensor> {
    run(Operation::Repeat, x, pattern, None, sizes)
}

fn run(
    operation: Operation,
    x: &Tensor,
    text: &str,
    reduction: Option<Reduction>,
    sizes: &[(&str, usize)],
) -> Result<Tensor> {
    let (names, values): (Vec<&str>, Vec<usize>) = sizes.iter().copied().unzip();
    let pattern = pattern(operation, text, &names)?;
    execute::run(&pattern, x, reduction, &values)
}

/// What a pattern was parsed from: its purpose, its text, and the names of the sizes given.
type Key = (Operation, String);

static PATTERNS_BY_TEXT: LazyLock<RwLock<HashMap<Key, Arc<Pattern>>>> = LazyLock::new(RwLock::default);

/// The pattern of `text`, parsed at its first use.
fn pattern(operation: Operation, text: &str, names: &[&str]) -> Result<Arc<Pattern>> {
    let key = (operation, format!("{text}\0{}", names.join("\0")));
    if let Some(known) = PATTERNS_BY_TEXT.read().get(&key) {
        return Ok(known.clone());
    }
    let parsed = Pattern::parse(operation, text, names).map_err(|error| mistake(operation, text, &error))?;
    let pattern = Arc::new(parsed);
    let mut all = PATTERNS_BY_TEXT.write();
    if all.len() >= PATTERNS {
        all.clear();
    }
    all.insert(key, pattern.clone());
    Ok(pattern)
}

/// A mistake, with a caret under its place.
#[inline]
fn mistake(operation: Operation, text: &str, error: &PatternError) -> Error {
    Error::argument(operation.name(), error.render(text))
}
