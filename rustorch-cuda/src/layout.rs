//! Iteration over operands that share a shape but not their strides.

use smallvec::SmallVec;

use crate::{
    dtype::DType,
    error::{Error, Result},
    memory::Buffer,
};

/// The largest number of dimensions of an operand.
pub const MAX_DIMS: usize = 8;

/// Elements of a buffer that a kernel reads or writes: a strided view.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// The memory.
    pub buffer: &'a Buffer,
    /// The type of its elements.
    pub dtype: DType,
    /// The first element, counted in elements from the buffer's start.
    pub offset: usize,
    /// For each dimension of the launch's shape, how many elements lie between two neighbours: 0 repeats one
    /// element along it (a broadcast).
    pub strides: &'a [isize],
}

impl Operand<'_> {
    /// The address of the first element, once the whole view is known to lie inside the buffer.
    pub(crate) fn address(&self, op: &str, what: &str, shape: &[usize]) -> Result<u64> {
        if self.strides.len() != shape.len() {
            let message = format!(
                "{what} has {} strides for the {} dimensions of {shape:?}",
                self.strides.len(),
                shape.len()
            );
            return Err(Error::invalid(op, message));
        }
        let size = self.dtype.size();
        let (mut low, mut high) = (self.offset as i128, self.offset as i128);
        for (&len, &stride) in shape.iter().zip(self.strides) {
            if len == 0 {
                return Ok(self.buffer.address());
            }
            let reach = (len as i128 - 1) * stride as i128;
            if reach < 0 { low += reach } else { high += reach }
        }
        if low < 0 || (high + 1) * size as i128 > self.buffer.len() as i128 {
            let message = format!(
                "{what} ({}, shape {shape:?}, strides {:?}, offset {}) reaches elements {low}..={high} of a buffer of {}",
                self.dtype,
                self.strides,
                self.offset,
                self.buffer.len() / size
            );
            return Err(Error::invalid(op, message));
        }
        self.buffer.used_on_current_stream();
        Ok(self.buffer.address() + (self.offset * size) as u64)
    }
}

/// A shape and strides with as few dimensions as describe the same elements, the innermost last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub sizes: SmallVec<[usize; MAX_DIMS]>,
    /// For each operand the stride of each dimension, in elements.
    pub strides: SmallVec<[SmallVec<[isize; MAX_DIMS]>; 4]>,
}

impl Layout {
    /// Drops dimensions of one element, orders the rest so that the first operands' smallest strides are innermost, and
    /// joins neighbours that are one run for every operand. An empty shape becomes one dimension of one element.
    pub fn new(shape: &[usize], strides: &[&[isize]]) -> Self {
        let mut dims: SmallVec<[usize; MAX_DIMS]> = (0..shape.len()).filter(|&dim| shape[dim] != 1).collect();
        // Insertion from the inside out, since "inner" is not a total order when strides are 0.
        for at in 1..dims.len() {
            let mut here = at;
            while here > 0 && is_inner(dims[here - 1], dims[here], strides) {
                dims.swap(here - 1, here);
                here -= 1;
            }
        }
        let mut layout =
            Layout { sizes: SmallVec::new(), strides: strides.iter().map(|_| SmallVec::new()).collect() };
        for dim in dims {
            layout.push(shape[dim], strides, dim);
        }
        if layout.sizes.is_empty() {
            layout.sizes.push(1);
            layout.strides.iter_mut().for_each(|own| own.push(0));
        }
        layout
    }

    fn push(&mut self, size: usize, strides: &[&[isize]], dim: usize) {
        let joins = self.sizes.last().is_some()
            && strides
                .iter()
                .zip(&self.strides)
                .all(|(all, own)| own.last() == Some(&(all[dim] * size as isize)));
        if joins {
            *self.sizes.last_mut().expect("there is one") *= size;
            for (all, own) in strides.iter().zip(&mut self.strides) {
                *own.last_mut().expect("as long as the sizes") = all[dim];
            }
        } else {
            self.sizes.push(size);
            self.strides.iter_mut().zip(strides).for_each(|(own, all)| own.push(all[dim]));
        }
    }

    pub fn elements(&self) -> usize {
        self.sizes.iter().product()
    }

    /// Whether every element's place, of every operand, can be counted in 31 bits.
    pub fn fits_i32(&self) -> bool {
        let limit = i32::MAX as i128;
        let reach = |own: &SmallVec<[isize; MAX_DIMS]>| -> i128 {
            own.iter()
                .zip(&self.sizes)
                .map(|(&stride, &size)| stride.unsigned_abs() as i128 * size as i128)
                .sum()
        };
        self.elements() as i128 <= limit && self.strides.iter().all(|own| reach(own) <= limit)
    }
}

/// Whether dimension `a` should be further inside than `b`: the first operand that tells them apart decides.
fn is_inner(a: usize, b: usize, strides: &[&[isize]]) -> bool {
    for own in strides {
        let (a, b) = (own[a].unsigned_abs(), own[b].unsigned_abs());
        if a != 0 && b != 0 && a != b {
            return a < b;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(shape: &[usize], strides: &[&[isize]]) -> (Vec<usize>, Vec<Vec<isize>>) {
        let layout = Layout::new(shape, strides);
        (layout.sizes.to_vec(), layout.strides.iter().map(|own| own.to_vec()).collect())
    }

    #[test]
    fn contiguous_operands_become_one_run() {
        assert_eq!(
            layout(&[2, 1, 3, 4], &[&[12, 12, 4, 1], &[12, 7, 4, 1]]),
            (vec![24], vec![vec![1], vec![1]])
        );
        assert_eq!(layout(&[], &[&[]]), (vec![1], vec![vec![0]]));
    }

    #[test]
    fn operands_transposed_alike_become_one_run_too() {
        assert_eq!(layout(&[3, 4], &[&[1, 3], &[1, 3]]), (vec![12], vec![vec![1], vec![1]]));
    }

    #[test]
    fn a_row_that_is_broadcast_keeps_two_dimensions() {
        let row = layout(&[5, 2, 3], &[&[6, 3, 1], &[0, 3, 1]]);
        assert_eq!(row, (vec![5, 6], vec![vec![6, 1], vec![0, 1]]));
        let scalar = layout(&[5, 2, 3], &[&[6, 3, 1], &[0, 0, 0]]);
        assert_eq!(scalar, (vec![30], vec![vec![1], vec![0]]));
    }

    #[test]
    fn joined_layouts_visit_the_same_elements() {
        // Every order and every choice of broadcast over three dimensions, against plain nested loops.
        let shape = [2usize, 3, 4];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for broadcast in 0..8 {
                let mut out = [0isize; 3];
                let mut step = 1;
                for &dim in order.iter().rev() {
                    out[dim] = step;
                    step *= shape[dim] as isize;
                }
                let own: Vec<isize> = [12, 4, 1]
                    .iter()
                    .enumerate()
                    .map(|(dim, &s)| if broadcast >> dim & 1 == 1 { 0 } else { s })
                    .collect();
                assert_eq!(visited(&shape, &[&out, &own]), visited_by(&Layout::new(&shape, &[&out, &own])));
            }
        }
    }

    fn visited(shape: &[usize; 3], strides: &[&[isize]]) -> Vec<(isize, isize)> {
        let mut places = Vec::new();
        for a in 0..shape[0] as isize {
            for b in 0..shape[1] as isize {
                for c in 0..shape[2] as isize {
                    let at = |own: &[isize]| a * own[0] + b * own[1] + c * own[2];
                    places.push((at(strides[0]), at(strides[1])));
                }
            }
        }
        places.sort();
        places
    }

    fn visited_by(layout: &Layout) -> Vec<(isize, isize)> {
        let mut places = Vec::new();
        for mut index in 0..layout.elements() {
            let mut at = [0isize; 2];
            for dim in (0..layout.sizes.len()).rev() {
                let here = (index % layout.sizes[dim]) as isize;
                index /= layout.sizes[dim];
                at[0] += here * layout.strides[0][dim];
                at[1] += here * layout.strides[1][dim];
            }
            places.push((at[0], at[1]));
        }
        places.sort();
        places
    }
}
