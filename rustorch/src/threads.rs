//! How many threads operations on the CPU use.

use crate::kernels::parallel;

/// How many threads an operation may use, the calling one included (`torch.get_num_threads`): as set by [`set_num_threads`],
/// else the environment's `RUSTORCH_NUM_THREADS`, else one per core.
#[inline]
pub fn get_num_threads() -> usize {
    parallel::num_threads()
}

/// Sets how many threads an operation may use, at least 1 (`torch.set_num_threads`). Results are the same bits for any number.
///
/// ```
/// rustorch::set_num_threads(1);
/// assert_eq!(rustorch::get_num_threads(), 1);
/// ```
#[inline]
pub fn set_num_threads(threads: usize) {
    parallel::set_num_threads(threads);
}
