//! How C is cut into parts: for threads, and into tiles.

/// C cut into parts for threads.
pub(super) struct Grid {
    pub rows: usize,
    pub cols: usize,
    row_step: usize,
    col_step: usize,
}

impl Grid {
    /// The cut into `parts` (more if they are large, to even out the load) that makes a thread's work and packing least.
    pub fn new((mr, nr): (usize, usize), (m, n, k): (usize, usize, usize), parts: usize) -> Grid {
        let parts = if parts > 1 && m * n * k / parts > 1 << 25 { parts * 2 } else { parts };
        // Packing an element costs about as much as 16 multiplications, and is done once per k.
        let cost = |grid: &Grid| grid.row_step * grid.col_step + 16 * (grid.row_step + grid.col_step);
        let cut = |rows: usize, cols: usize| {
            let row_step = m.div_ceil(mr).div_ceil(rows) * mr;
            let col_step = n.div_ceil(nr).div_ceil(cols) * nr;
            Grid { rows: m.div_ceil(row_step), cols: n.div_ceil(col_step), row_step, col_step }
        };
        (1..=parts)
            .filter(|rows| parts.is_multiple_of(*rows))
            .map(|rows| cut(rows, parts / rows))
            .min_by_key(cost)
            .unwrap_or_else(|| cut(1, 1))
    }

    /// Row, column, height and width of a part.
    pub fn part(&self, index: usize, m: usize, n: usize) -> Option<(usize, usize, usize, usize)> {
        let (i, j) = (index / self.cols * self.row_step, index % self.cols * self.col_step);
        (i < m && j < n).then(|| (i, j, self.row_step.min(m - i), self.col_step.min(n - j)))
    }
}

/// Cuts `0..n` into the fewest pieces of at most `most`, as equal as possible: `(start, length)`.
pub(crate) fn balanced(n: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let pieces = n.div_ceil(most).max(1);
    let (short, longer) = (n / pieces, n % pieces);
    (0..pieces)
        .filter(move |_| n > 0)
        .map(move |i| (i * short + i.min(longer), short + usize::from(i < longer)))
}
