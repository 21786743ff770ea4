//! Poolings over any number of axes as poolings of planes: a sequence is a plane of height 1, and of volumes the planes are pooled
//! first and then the depth, which gives the same windows: the greatest of maxima, and the average of averages, since a window
//! has as many elements in each of its planes.

use rustorch_shape::rules::PoolOptions as Rule;

use super::{Windows, adaptive_windows, windows};
use crate::Result;
use crate::kernels::pooling::{Axis, Window};

/// The windows along one axis.
pub(crate) struct Along {
    pub windows: Vec<Window>,
    dilation: usize,
    /// Where they come from, if they lie at regular distances.
    axis: Option<Axis>,
}

impl Along {
    /// Each of `size` elements alone.
    fn each(size: usize) -> Self {
        let windows = (0..size).map(|start| Window { start, taps: 1, extent: 1 }).collect();
        Self { windows, dilation: 1, axis: Some(Axis { kernel: 1, stride: 1, padding: 0 }) }
    }

    /// Windows at regular distances along the last axes, outermost axis first, for an output of this shape.
    #[inline]
    pub fn regular(
        input: &[usize],
        output: &[usize],
        rule: Rule<'_, usize>,
        include_padding: bool,
    ) -> Vec<Self> {
        let first = input.len() - rule.kernel.len();
        let along = |axis: usize| {
            let (size, count) = (input[first + axis], output[first + axis]);
            let [kernel, stride, padding, dilation] =
                [rule.kernel, rule.stride, rule.padding, rule.dilation].map(|sizes| sizes[axis]);
            let dilation = if kernel > 1 { dilation } else { 1 };
            let windows = windows(size, count, kernel, stride, padding, dilation, include_padding);
            // Behind a single window nothing follows, so a stride beyond the axis must not cost memory.
            let stride = if count > 1 { stride } else { 1 };
            // Nor must windows that are mostly padding, whose taps would all be listed.
            let axis = (padding <= size).then_some(Axis { kernel, stride, padding });
            Along { windows, dilation, axis }
        };
        (0..rule.kernel.len()).map(along).collect()
    }

    /// As many windows along the last axes as the output has elements there, outermost axis first.
    #[inline]
    pub fn adaptive(input: &[usize], output: &[usize], axes: usize) -> Vec<Self> {
        let along = |axis: usize| {
            let windows = adaptive_windows(input[axis], output[axis]);
            Along { windows, dilation: 1, axis: None }
        };
        (input.len() - axes..input.len()).map(along).collect()
    }
}

/// A pooling of planes.
pub(crate) struct Stage {
    /// The input as its planes lie in it.
    pub shape: Vec<usize>,
    pub windows: Windows,
}

impl Stage {
    /// The poolings that together are one with these windows along the last axes, the first to be done first. Sums are divided by
    /// `divisor`, if there is one.
    pub fn all(
        op: &'static str,
        input: &[usize],
        mut along: Vec<Along>,
        divisor: Option<usize>,
    ) -> Result<Vec<Self>> {
        let (leading, sizes) = input.split_at(input.len() - along.len());
        let mut shape = [leading, if sizes.len() == 1 { &[1] } else { &[] }, sizes].concat();
        let columns = along.pop().unwrap_or_else(|| Along::each(1));
        let rows = along.pop().unwrap_or_else(|| Along::each(1));
        let mut stages = vec![Self::new(op, shape.clone(), rows, columns)];
        while let Some(depth) = along.pop() {
            let [rows, columns] = stages.last().map_or([1, 1], |stage| stage.windows.output());
            shape.truncate(shape.len() - 2);
            shape.push(rows * columns);
            stages.push(Self::new(op, shape.clone(), depth, Along::each(rows * columns)));
        }
        if let (Some(divisor), Some((last, others))) = (divisor, stages.split_last_mut()) {
            last.windows.divisor = Some(divisor);
            others.iter_mut().for_each(|stage| stage.windows.divisor = Some(1));
        }
        stages.iter().try_for_each(|stage| stage.windows.check())?;
        Ok(stages)
    }

    fn new(op: &'static str, shape: Vec<usize>, rows: Along, columns: Along) -> Self {
        let windows = Windows {
            op,
            size: [shape[shape.len() - 2], shape[shape.len() - 1]],
            dilation: [rows.dilation, columns.dilation],
            divisor: None,
            axes: rows.axis.zip(columns.axis).map(|(rows, columns)| [rows, columns]),
            rows: rows.windows,
            columns: columns.windows,
        };
        Self { shape, windows }
    }

    #[inline]
    pub fn planes(&self) -> usize {
        self.shape[..self.shape.len() - 2].iter().product()
    }
}
