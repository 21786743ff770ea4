//! The loop nest of a reduction.

use smallvec::SmallVec;

/// An axis: its size, and the distances between neighbours in the operand and, if it is kept, in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// How many elements.
    pub size: usize,
    /// The stride of the input.
    pub input: usize,
    /// The stride of the output, 0 on a reduced axis.
    pub output: usize,
}

pub type Axes = SmallVec<[Axis; 4]>;

/// The axes of a reduction in the order in which they lie in memory, merged where possible.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The axes that the output has.
    pub kept: Axes,
    /// The axes that are folded.
    pub reduced: Axes,
    /// Whether the axis whose elements lie closest together is a reduced one.
    pub rows: bool,
}

impl Plan {
    /// Plans the reduction of the axes marked in `reduced`. The result is row-major over the others.
    pub fn new(shape: &[usize], strides: &[usize], reduced: &[bool]) -> Self {
        let mut axes: SmallVec<[(Axis, bool); 6]> = SmallVec::new();
        let mut output = 1;
        for axis in (0..shape.len()).rev() {
            axes.push((Axis { size: shape[axis], input: strides[axis], output }, reduced[axis]));
            if !reduced[axis] {
                output *= shape[axis];
            }
        }
        axes.retain(|(axis, _)| axis.size != 1);
        // Axes that stand still repeat whole blocks, so they go outside.
        axes.sort_by_key(|(axis, _)| {
            std::cmp::Reverse(if axis.input == 0 { usize::MAX } else { axis.input })
        });
        let mut merged: SmallVec<[(Axis, bool); 6]> = SmallVec::new();
        for (axis, is_reduced) in axes {
            match merged.last_mut() {
                Some((last, same))
                    if *same == is_reduced
                        && last.input == axis.input * axis.size
                        && (is_reduced || last.output == axis.output * axis.size) =>
                {
                    *last = Axis { size: last.size * axis.size, ..axis };
                }
                _ => merged.push((axis, is_reduced)),
            }
        }
        let rows = merged.last().is_none_or(|&(_, is_reduced)| is_reduced);
        let part =
            |wanted| merged.iter().filter(|(_, kind)| *kind == wanted).map(|&(axis, _)| axis).collect();
        Self { kept: part(false), reduced: part(true), rows }
    }

    /// The number of results.
    pub fn results(&self) -> usize {
        count(&self.kept)
    }

    /// The number of elements behind each result.
    pub fn length(&self) -> usize {
        count(&self.reduced)
    }
}

/// The number of positions in a loop nest.
pub fn count(axes: &[Axis]) -> usize {
    axes.iter().map(|axis| axis.size).product()
}

/// A position in a loop nest, the last axis running fastest.
pub struct Odometer<'a> {
    axes: &'a [Axis],
    index: SmallVec<[usize; 4]>,
    /// The offset in the operand.
    pub input: usize,
    /// The offset in the result.
    pub output: usize,
}

impl<'a> Odometer<'a> {
    /// Starts at position number `start`.
    pub fn new(axes: &'a [Axis], mut start: usize) -> Self {
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, axes.len());
        let (mut input, mut output) = (0, 0);
        for (slot, axis) in index.iter_mut().zip(axes).rev() {
            *slot = start % axis.size;
            start /= axis.size;
            input += *slot * axis.input;
            output += *slot * axis.output;
        }
        Self { axes, index, input, output }
    }

    /// Goes on to the next position; after the last one to the first.
    #[inline]
    pub fn advance(&mut self) {
        for (index, axis) in self.index.iter_mut().zip(self.axes).rev() {
            *index += 1;
            self.input += axis.input;
            self.output += axis.output;
            if *index < axis.size {
                return;
            }
            *index = 0;
            self.input -= axis.input * axis.size;
            self.output -= axis.output * axis.size;
        }
    }
}
