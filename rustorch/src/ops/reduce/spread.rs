//! Results of reductions, brought back to the elements that they were made of.

use smallvec::SmallVec;

use crate::kernels::parallel::{self, GRAIN, Shared};

/// A tensor and its reduction over some axes: elements in rows, each of which has one number of the result, or one for every element.
pub(crate) struct Spread {
    /// Elements of a row, and from the number of one of them to that of the next.
    len: usize,
    step: usize,
    rows: usize,
    /// Of the axes around the rows, innermost first: how many, and from the number of one to that of the next.
    axes: SmallVec<[(usize, usize); 6]>,
}

impl Spread {
    /// For a tensor of this shape, whose result keeps the other axes.
    pub fn new(shape: &[usize], reduced: &[usize]) -> Self {
        let mut axes: SmallVec<[(usize, usize); 6]> = SmallVec::new();
        let mut next = 1;
        for (axis, &size) in shape.iter().enumerate().rev() {
            let step = if reduced.contains(&axis) { 0 } else { next };
            if step != 0 {
                next *= size;
            }
            match axes.last_mut() {
                _ if size == 1 => {}
                // Axes that follow one another in both are one.
                Some((count, last)) if step == *last * *count && (step == 0) == (*last == 0) => {
                    *count *= size
                }
                _ => axes.push((size, step)),
            }
        }
        let (len, step) = if axes.is_empty() { (1, 0) } else { axes.remove(0) };
        let rows = axes.iter().map(|(size, _)| *size).product();
        Self { len, step, rows, axes }
    }

    /// The place in the result of a row's first number.
    #[inline]
    fn place(&self, row: usize) -> usize {
        let (mut rest, mut place) = (row, 0);
        for (size, step) in &self.axes {
            place += rest % size * step;
            rest /= size;
        }
        place
    }

    /// `to[i] = f(x[i], a, b)` for every element and the two numbers of it.
    ///
    /// # Safety
    /// `x` and `to` have the tensor's shape and are the same or apart, `a` and `b` have the result's.
    pub unsafe fn run(
        &self,
        x: *const f32,
        [a, b]: [*const f32; 2],
        to: *mut f32,
        f: impl Fn(f32, f32, f32) -> f32 + Sync,
    ) {
        let shared = Shared((x, a, b, to));
        let part = |row: usize, from: usize, len: usize| {
            let (x, a, b, to) = shared.get();
            let (start, place) = (row * self.len + from, self.place(row) + from * self.step);
            // SAFETY: the caller's promise; parts are disjoint.
            unsafe {
                let (x, to, a, b) = (x.add(start), to.add(start), a.add(place), b.add(place));
                if self.step == 0 {
                    let (a, b) = (*a, *b);
                    (0..len).for_each(|i| *to.add(i) = f(*x.add(i), a, b));
                } else {
                    (0..len).for_each(|i| *to.add(i) = f(*x.add(i), *a.add(i), *b.add(i)));
                }
            }
        };
        self.split(part);
    }

    /// `to[i] = f(a)` for every element and the number of it.
    ///
    /// # Safety
    /// `a` has the result's shape, `to` the tensor's; they are apart.
    pub unsafe fn repeat(&self, a: *const f32, to: *mut f32, f: impl Fn(f32) -> f32 + Sync) {
        let shared = Shared((a, to));
        let part = |row: usize, from: usize, len: usize| {
            let (a, to) = shared.get();
            // SAFETY: the caller's promise; parts are disjoint.
            unsafe {
                let to = std::slice::from_raw_parts_mut(to.add(row * self.len + from), len);
                let a = a.add(self.place(row) + from * self.step);
                if self.step == 0 {
                    to.fill(f(*a));
                } else {
                    to.iter_mut().enumerate().for_each(|(i, to)| *to = f(*a.add(i)));
                }
            }
        };
        self.split(part);
    }

    /// Calls `part(row, from, len)` for parts of rows that together are all elements, on several threads if there are enough.
    fn split(&self, part: impl Fn(usize, usize, usize) + Sync) {
        let parts = self.len.div_ceil(GRAIN).max(1);
        let each = self.len.div_ceil(parts).max(1);
        parallel::for_each_chunk(self.rows * parts, (GRAIN / each).max(1), |range| {
            for at in range {
                let (row, from) = (at / parts, at % parts * each);
                part(row, from, each.min(self.len - from.min(self.len)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_meets_its_own_number() {
        for (shape, reduced) in [
            (&[2, 3, 4][..], &[1][..]),
            (&[2, 3, 4], &[0, 2]),
            (&[2, 3, 4], &[]),
            (&[2, 3, 4], &[0, 1, 2]),
            (&[5, 1, 70_000], &[0]),
            (&[70_000], &[0]),
            (&[], &[]),
        ] {
            let kept: Vec<usize> =
                (0..shape.len()).map(|axis| if reduced.contains(&axis) { 1 } else { shape[axis] }).collect();
            let of = |mut at: usize| {
                let (mut place, mut next) = (0, 1);
                for axis in (0..shape.len()).rev() {
                    place += at % shape[axis] % kept[axis] * next;
                    next *= kept[axis];
                    at /= shape[axis];
                }
                place as f32
            };
            let count = shape.iter().product();
            let numbers: Vec<f32> = (0..kept.iter().product()).map(|at| at as f32).collect();
            let x: Vec<f32> = (0..count).map(|at| (at % 17) as f32).collect();
            let (mut all, mut copies) = (vec![f32::NAN; count], vec![f32::NAN; count]);
            let walk = Spread::new(shape, reduced);
            // SAFETY: vectors of these shapes.
            unsafe {
                let numbers = numbers.as_ptr();
                walk.run(x.as_ptr(), [numbers; 2], all.as_mut_ptr(), |x, a, b| x + a - 2.0 * b);
                walk.repeat(numbers, copies.as_mut_ptr(), |a| a + 1.0);
            }
            assert!((0..count).all(|at| all[at] == x[at] - of(at)), "{shape:?} {reduced:?}");
            assert!((0..count).all(|at| copies[at] == of(at) + 1.0), "{shape:?} {reduced:?}");
        }
    }
}
