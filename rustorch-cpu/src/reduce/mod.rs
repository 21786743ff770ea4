//! Reductions over any axes of any strided operand, without copying it.
//!
//! The axes are sorted as they lie in memory and merged ([`Plan`]). If the innermost one is reduced, results are made
//! one by one from *rows*; if it is kept, they are made many at a time from *columns* ([`run`]). Numbers are added in
//! lanes of 32 that are cut off every few thousand elements and go on in double precision ([`Fold`]), and long
//! reductions are cut into chunks. Both cuts depend on the sizes alone, so results are the same for any number of
//! threads, and rounding errors hardly grow with the length.

mod arg;
mod fold;
mod loops;
mod plan;
mod prefix;
mod run;
mod scan;

#[cfg(test)]
mod tests;

pub use arg::{Ordered, arg};
pub use fold::{Fold, Maximum, Minimum, NanSum, Product, Sum, SumAbs, SumSquares};
pub use plan::{Axis, Plan};
pub use run::reduce;
pub use scan::{CumulativeProduct, CumulativeSum, LogCumulativeSumExp, Scan, scan};

/// Calls `work` for groups of `grain` of `0..n`, in parallel.
fn for_each_group(n: usize, grain: usize, work: impl Fn(std::ops::Range<usize>) + Sync) {
    super::parallel::for_each(n.div_ceil(grain), |group| work(group * grain..n.min((group + 1) * grain)));
}
