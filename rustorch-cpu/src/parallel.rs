//! Loops over several threads, whose results do not depend on how many there are.
//!
//! Chunks are cut by the sizes alone. A reduction combines the results of its chunks in their order ([`map_chunks`]).

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::pool;

/// A loop with fewer simple element operations than this runs on the calling thread: handing work to another thread that is awake
/// costs about a microsecond, one that sleeps 10 to 50.
pub const GRAIN: usize = 32 * 1024;

/// 0 until asked for.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads a kernel may use, the calling one included: as set by [`set_num_threads`], else
/// the environment's `RUSTORCH_NUM_THREADS`, else one per core.
#[inline]
pub fn num_threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => default_threads(),
        threads => threads,
    }
}

#[cold]
fn default_threads() -> usize {
    let set = std::env::var("RUSTORCH_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
    let threads = set.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    // Another thread may have set a number meanwhile, which then stands.
    let _ = THREADS.compare_exchange(0, threads, Ordering::Relaxed, Ordering::Relaxed);
    THREADS.load(Ordering::Relaxed)
}

/// Sets how many threads a kernel may use, at least 1. Results are the same bits for any number.
pub fn set_num_threads(threads: usize) {
    THREADS.store(threads.max(1), Ordering::Relaxed);
}

/// How many threads a parallel section started here would use: 1 inside another one.
#[inline]
pub fn available_threads() -> usize {
    if pool::inside_job() { 1 } else { num_threads() }
}

/// Calls `f` with each of `0..tasks` once, in any order and on any thread. The tasks are handed out one by one.
pub fn for_each(tasks: usize, f: impl Fn(usize) + Sync) {
    share_tasks(tasks, &f);
}

/// Behind a pointer, so that the loop of each caller is compiled once, and not once more for a single thread.
fn share_tasks(tasks: usize, f: &(dyn Fn(usize) + Sync)) {
    if tasks <= 1 || available_threads() == 1 {
        return (0..tasks).for_each(f);
    }
    pool::run(num_threads(), tasks, f);
}

/// Cuts `0..n` into chunks of at least `grain` (the last may be shorter, a range of at most `grain` stays whole) and calls `f` with each,
/// in any order and on any thread. For loops whose iterations are independent; `grain` is [`GRAIN`] divided by the cost
/// of an iteration in simple operations.
pub fn for_each_chunk(n: usize, grain: usize, f: impl Fn(Range<usize>) + Sync) {
    share_chunks(n, grain, &f);
}

fn share_chunks(n: usize, grain: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    if n <= grain || available_threads() == 1 {
        if n > 0 {
            f(0..n);
        }
        return;
    }
    // Few chunks are enough to even out the load; multiples of 64 elements keep threads off each other's cache lines.
    let chunk = grain.max(n.div_ceil(64)).next_multiple_of(64);
    pool::run(num_threads(), n.div_ceil(chunk), &|i| f(i * chunk..n.min((i + 1) * chunk)));
}

/// Calls `f` for every chunk of exactly `chunk` elements of `0..n` (the last may be shorter) and returns the results in
/// the order of the chunks, whatever thread made them.
pub fn map_chunks<R: Send>(n: usize, chunk: usize, f: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    let count = n.div_ceil(chunk);
    let mut results: Vec<R> = Vec::with_capacity(count);
    let out = Shared(results.as_mut_ptr());
    for_each(count, |i| {
        let result = f(i * chunk..n.min((i + 1) * chunk));
        // SAFETY: each of the `count` places, for which the vector has room, is written by one task.
        unsafe { out.get().add(i).write(result) };
    });
    // SAFETY: `for_each` returned without a panic, so all places have been written.
    unsafe { results.set_len(count) };
    results
}

/// A pointer that tasks may share. Whoever uses it sees to it that tasks write to different places.
#[derive(Clone, Copy)]
pub struct Shared<T>(pub T);

// SAFETY: a promise of the code that wraps a pointer, see the type's text.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// The pointer. (A closure that named the field would capture the bare pointer.)
    #[inline(always)]
    pub fn get(&self) -> T {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn every_index_once() {
        for n in [0, 1, 63, 64, 65, 1000, 100_000] {
            let hits: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
            for_each_chunk(n, 100, |range| range.for_each(|i| count(&hits[i])));
            for_each(n, |i| count(&hits[i]));
            assert!(hits.iter().all(|hit| hit.load(Ordering::Relaxed) == 2), "n = {n}");
        }
    }

    #[test]
    fn chunks_keep_their_order() {
        let sums = map_chunks(1050, 100, |range| range.sum::<usize>());
        assert_eq!(sums.len(), 11);
        assert_eq!(sums[10], (1000..1050).sum::<usize>());
        assert_eq!(sums.iter().sum::<usize>(), (0..1050).sum::<usize>());
    }

    #[test]
    fn nested_and_concurrent_jobs_finish() {
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        for_each(8, |_| for_each(8, |_| count(&total)));
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 200 * 64);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let result = std::panic::catch_unwind(|| for_each(64, |i| assert!(i != 40, "task 40")));
        assert!(result.is_err());
        let calls = AtomicUsize::new(0);
        for_each(64, |_| count(&calls));
        assert_eq!(calls.into_inner(), 64);
    }
}
