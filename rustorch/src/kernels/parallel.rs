//! Work on several threads, with results that do not depend on how many there are.

use std::ops::Range;

use rayon::prelude::*;

/// Calls `work` for the pieces of `0..len`, in parallel. Pieces are `grain` long, whatever the number of threads, so
/// that a reduction which combines them in order always adds in the same order. Up to one piece runs right here.
pub fn for_each_chunk(len: usize, grain: usize, work: impl Fn(Range<usize>) + Sync) {
    if len <= grain {
        return if len > 0 {
            work(0..len)
        };
    }
    (0..len.div_ceil(grain)).into_par_iter().for_each(|chunk| {
        let start = chunk * grain;
        work(start..(start + grain).min(len));
    });
}
