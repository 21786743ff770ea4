//! Rows of tables, scaled down to a norm.

use super::parallel::{self, Shared};
use super::{Float, scratch};

entry_points! {
    trait Entry<T> {
        /// Scales those rows of a table of `count` by `dim` elements that `rows` names and whose `p`-norm exceeds `max` down to it, each
        /// of them once (as `torch.embedding_renorm_`).
        ///
        /// # Safety
        /// The table can be read and written, and has all these rows.
        pub unsafe fn limit_rows(table: *mut T, size: [usize; 2], rows: &[i64], max: f64, p: f64) = limit_of;
    }
}

/// Added to a norm before dividing by it.
const EPSILON: f64 = 1e-7;

/// [`limit_rows()`] of one type.
///
/// # Safety
/// As there.
unsafe fn limit_of<T: Float + Into<f64>>(
    table: *mut T,
    [count, dim]: [usize; 2],
    rows: &[i64],
    max: f64,
    p: f64,
) {
    scratch::with(count, |seen: *mut bool| {
        scratch::with(rows.len(), |unique: *mut usize| {
            let mut found = 0;
            for &row in rows {
                debug_assert!((0..count as i64).contains(&row), "a row of the table");
                // SAFETY: the row exists; at most as many are found as there are rows. What is read has been written.
                unsafe {
                    if found == 0 {
                        seen.write_bytes(0, count);
                    }
                    if !*seen.add(row as usize) {
                        *seen.add(row as usize) = true;
                        *unique.add(found) = row as usize;
                        found += 1;
                    }
                }
            }
            let shared = Shared((table, unique));
            parallel::for_each_chunk(found, (parallel::GRAIN / dim.max(1)).max(1), |range| {
                let (table, unique) = shared.get();
                for at in range {
                    // SAFETY: the caller's promise; the rows differ.
                    let row =
                        unsafe { std::slice::from_raw_parts_mut(table.add(*unique.add(at) * dim), dim) };
                    let norm = norm(row, p);
                    if norm > max {
                        let factor = T::of(max / (norm + EPSILON));
                        row.iter_mut().for_each(|x| *x = *x * factor);
                    }
                }
            });
        });
    });
}

/// The `p`-norm, as `torch.linalg.vector_norm` has it for every `p`.
fn norm<T: Float + Into<f64>>(row: &[T], p: f64) -> f64 {
    let sizes = row.iter().map(|&x| x.into().abs());
    if p == 2.0 {
        // Side by side, so that none waits for the sum before.
        let mut sums = [0.0; 8];
        for part in row.chunks(8) {
            for (sum, &x) in sums.iter_mut().zip(part) {
                let x: f64 = x.into();
                *sum += x * x;
            }
        }
        sums.iter().sum::<f64>().sqrt()
    } else if p == 1.0 {
        sizes.sum()
    } else if p == 0.0 {
        sizes.filter(|x| *x != 0.0).count() as f64
    } else if p.is_infinite() {
        let pick = if p > 0.0 { f64::max } else { f64::min };
        // The extremum of what has no order is none.
        sizes.reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { pick(a, b) }).unwrap_or(0.0)
    } else {
        sizes.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_named_have_at_most_the_norm() {
        let start = [3.0f32, -4.0, 0.3, 0.4, 30.0, 40.0, f32::NAN, 9.0];
        for (p, longest) in [(2.0, 5.0), (1.0, 7.0), (f64::INFINITY, 4.0), (3.0, 91f64.cbrt())] {
            let mut table = start;
            // SAFETY: four rows of two.
            unsafe { limit_rows(table.as_mut_ptr(), [4, 2], &[0, 1, 0, 0, 3], 1.0, p) };
            for (x, before) in table[..2].iter().zip(start) {
                assert!((f64::from(*x) - f64::from(before) / longest).abs() < 1e-6, "{p}: {x}");
            }
            // Short enough, not named, without a norm.
            assert_eq!(table[2..6], start[2..6]);
            assert!(table[6].is_nan() && table[7] == 9.0);
        }
    }
}
