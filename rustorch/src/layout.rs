//! How a tensor's elements lie in its storage: shape, strides and offset, in elements.

pub(crate) use rustorch_cpu::Dims;

/// Shape, strides and offset of a view into a storage, counted in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub shape: Dims,
    pub strides: Dims,
    pub offset: usize,
}

impl Layout {
    /// The row-major layout of a shape.
    #[inline]
    pub fn contiguous(shape: impl Into<Dims>) -> Self {
        let shape = shape.into();
        let strides = contiguous_strides(&shape);
        Self { shape, strides, offset: 0 }
    }

    /// The dense layout of a shape whose axes lie in memory in the order that operands with these strides, all
    /// broadcast to the shape, agree on; the first ones decide, row-major order where none does (`TensorIterator` in
    /// PyTorch).
    pub fn following(shape: Dims, operands: &[Dims]) -> Self {
        // Axes from the fastest to the slowest, sorted by insertion since the comparison is not transitive.
        let mut order: Dims = (0..shape.len()).rev().collect();
        let before = |a: usize, b: usize| {
            let mut decided =
                operands.iter().map(|strides| (strides[a], strides[b])).filter(|&(a, b)| a != 0 && b != 0);
            decided.find_map(|(x, y)| match x.cmp(&y) {
                std::cmp::Ordering::Equal => (shape[a] > shape[b]).then_some(std::cmp::Ordering::Greater),
                different => Some(different),
            })
        };
        for i in 1..order.len() {
            let mut at = i;
            for k in (0..i).rev() {
                match before(order[k], order[at]) {
                    Some(std::cmp::Ordering::Greater) => {
                        order.swap(k, at);
                        at = k;
                    }
                    Some(_) => break,
                    None => {}
                }
            }
        }
        let mut strides = Dims::from_elem(0, shape.len());
        let mut expected = 1;
        for &axis in &order {
            strides[axis] = expected;
            expected *= shape[axis].max(1);
        }
        Self { shape, strides, offset: 0 }
    }

    #[inline]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    #[inline]
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the elements lie in row-major order without gaps. Axes of size 1 may have any stride.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if size != 1 {
                if stride != expected && size != 0 {
                    return self.numel() == 0;
                }
                expected *= size;
            }
        }
        true
    }

    /// Whether the elements fill a span of memory exactly, in some order of the axes.
    pub fn is_dense(&self) -> bool {
        let mut axes: Dims = (0..self.rank()).filter(|&axis| self.shape[axis] != 1).collect();
        axes.sort_unstable_by_key(|&axis| self.strides[axis]);
        let mut expected = 1;
        for &axis in &axes {
            if self.strides[axis] != expected {
                return self.numel() == 0;
            }
            expected *= self.shape[axis];
        }
        true
    }

    /// Whether two different indices address the same element. Exact, where [`Layout::may_overlap`] may be wrong about
    /// interleaved strides such as (4, 3); those are rare enough to be walked through.
    pub fn overlaps(&self) -> bool {
        if !self.may_overlap() {
            return false;
        }
        let span = self.end() - self.offset;
        if self.numel() > span {
            return true;
        }
        let mut seen = vec![0u64; span.div_ceil(64)];
        let mut index = Dims::from_elem(0, self.rank());
        loop {
            let at: usize = index.iter().zip(&self.strides).map(|(i, stride)| i * stride).sum();
            let bit = 1 << (at % 64);
            if seen[at / 64] & bit != 0 {
                return true;
            }
            seen[at / 64] |= bit;
            let Some(axis) = (0..self.rank()).rev().find(|&axis| index[axis] + 1 < self.shape[axis]) else {
                return false;
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// Whether two different indices may address the same element.
    pub fn may_overlap(&self) -> bool {
        let mut axes: Dims = (0..self.rank()).filter(|&axis| self.shape[axis] > 1).collect();
        axes.sort_unstable_by_key(|&axis| self.strides[axis]);
        let mut reach = 0;
        for &axis in &axes {
            if self.strides[axis] <= reach {
                return self.numel() != 0;
            }
            reach += self.strides[axis] * (self.shape[axis] - 1);
        }
        false
    }

    /// One past the largest element index that the layout addresses; 0 when it is empty.
    #[inline]
    pub fn end(&self) -> usize {
        if self.numel() == 0 {
            return 0;
        }
        let last: usize =
            self.shape.iter().zip(&self.strides).map(|(&size, &stride)| (size - 1) * stride).sum();
        self.offset + last + 1
    }

    /// The layout after broadcasting to `shape`, which must be a valid target: missing and size-1 axes get stride 0.
    pub fn broadcast_to(&self, shape: &[usize]) -> Self {
        let missing = shape.len() - self.rank();
        let strides = (0..shape.len())
            .map(|axis| match axis.checked_sub(missing) {
                Some(own) if self.shape[own] == shape[axis] => self.strides[own],
                _ => 0,
            })
            .collect();
        Self { shape: shape.into(), strides, offset: self.offset }
    }

    /// The strides with which the same memory shows `shape`, if there are any (`Tensor::view`).
    pub fn view_strides(&self, shape: &[usize]) -> Option<Dims> {
        if self.numel() == 0 || self.rank() == 0 {
            return Some(contiguous_strides(shape));
        }
        let mut strides: Dims = Dims::from_elem(1, shape.len());
        let mut target = shape.len();
        let mut chunk_end = self.rank();
        while chunk_end > 0 {
            // A chunk is a maximal run of axes that merge into one.
            let mut chunk_start = chunk_end - 1;
            let base = self.strides[chunk_start];
            let mut numel = self.shape[chunk_start];
            while chunk_start > 0 {
                let (size, stride) = (self.shape[chunk_start - 1], self.strides[chunk_start - 1]);
                if size != 1 && stride != numel * base {
                    break;
                }
                numel *= size;
                chunk_start -= 1;
            }
            let mut covered = 1;
            while target > 0 && (covered < numel || shape[target - 1] == 1) {
                target -= 1;
                strides[target] = covered * base;
                covered *= shape[target];
            }
            if covered != numel {
                return None;
            }
            chunk_end = chunk_start;
        }
        (target == 0).then_some(strides)
    }
}

/// Row-major strides of a shape. Axes of size 0 count as 1, as in PyTorch.
pub(crate) fn contiguous_strides(shape: &[usize]) -> Dims {
    let mut strides: Dims = Dims::from_elem(1, shape.len());
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1].max(1);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn view_strides_split_and_merge() {
        let layout = Layout::contiguous([2, 3, 4].as_slice());
        assert_eq!(layout.view_strides(&[6, 4]).unwrap().as_slice(), [4, 1]);
        assert_eq!(layout.view_strides(&[2, 1, 12]).unwrap().as_slice(), [12, 12, 1]);
        let transposed =
            Layout { shape: [3, 2].as_slice().into(), strides: [1, 3].as_slice().into(), offset: 0 };
        assert_eq!(transposed.view_strides(&[6]), None);
        assert_eq!(Layout::contiguous([].as_slice()).view_strides(&[1, 1]).unwrap().as_slice(), [1, 1]);
        assert_eq!(transposed.view_strides(&[3, 2, 1]).unwrap().as_slice(), [1, 3, 3]);
    }

    #[test]
    fn overlap_and_density() {
        let expanded =
            Layout { shape: [3, 2].as_slice().into(), strides: [0, 1].as_slice().into(), offset: 0 };
        assert!(expanded.may_overlap() && !expanded.is_dense());
        let transposed =
            Layout { shape: [3, 2].as_slice().into(), strides: [1, 3].as_slice().into(), offset: 0 };
        assert!(!transposed.may_overlap() && transposed.is_dense() && !transposed.is_contiguous());
        let strided = |strides: [usize; 2]| Layout {
            shape: [3, 4].as_slice().into(),
            strides: strides[..].into(),
            offset: 5,
        };
        assert!(strided([4, 3]).may_overlap() && !strided([4, 3]).overlaps());
        assert!(strided([3, 2]).overlaps() && strided([0, 1]).overlaps() && !strided([1, 3]).overlaps());
    }
}
