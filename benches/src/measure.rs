//! Timing: the median over enough repetitions, in batches long enough for the clock.

use std::time::{Duration, Instant};

/// The median time of one call of `step`, in seconds, over at least `seconds` after a warm-up of a quarter of that.
pub fn median(mut step: impl FnMut(), seconds: f64) -> f64 {
    let mut batch = |count: usize| {
        let start = Instant::now();
        (0..count).for_each(|_| step());
        start.elapsed().as_secs_f64() / count as f64
    };
    batch(3);
    // A millisecond per batch keeps the clock's own cost below a thousandth.
    let count = (1e-3 / batch(1).max(1e-9)).max(1.0) as usize;
    let warm = Instant::now() + Duration::from_secs_f64(seconds / 4.0);
    while Instant::now() < warm {
        batch(count);
    }
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut times = Vec::new();
    while Instant::now() < end || times.len() < 5 {
        times.push(batch(count));
    }
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
