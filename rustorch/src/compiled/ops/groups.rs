//! The elements that are folded into each result, by their places.

use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::layout::contiguous_strides;

/// Groups of elements of a tensor in row-major order.
pub(super) struct Groups {
    /// The first element of each.
    starts: Vec<usize>,
    /// How far the elements of each are from its first.
    steps: Vec<usize>,
}

impl Groups {
    /// Those that differ along these axes only.
    pub fn new(shape: &[usize], axes: &[usize]) -> Self {
        let strides = contiguous_strides(shape);
        let places = |folded: bool| {
            let mut places = vec![0];
            for axis in (0..shape.len()).filter(|axis| axes.contains(axis) == folded) {
                let next = |place: usize| (0..shape[axis]).map(move |at| (place, at));
                places =
                    places.into_iter().flat_map(next).map(|(place, at)| place + at * strides[axis]).collect();
            }
            places
        };
        Self { starts: places(false), steps: places(true) }
    }

    /// For each element the product of the others of its group, times what the group has of `g`: what stands before times what
    /// stands behind, so that zeros are numbers as others.
    ///
    /// # Safety
    /// `x` and `dx` have the elements of the tensor, `g` one for each group.
    pub unsafe fn products_of_others(&self, x: *const f32, g: *const f32, dx: *mut f32) {
        let shared = Shared((x, g, dx));
        parallel::for_each_chunk(
            self.starts.len(),
            (GRAIN / (2 * self.steps.len().max(1))).max(1),
            |range| {
                let (x, g, dx) = shared.get();
                for group in range {
                    let places = self.steps.iter().map(|step| self.starts[group] + step);
                    // SAFETY: the caller's promise; groups are disjoint.
                    unsafe {
                        let mut before = 1.0;
                        for place in places.clone() {
                            *dx.add(place) = before;
                            before *= *x.add(place);
                        }
                        let mut behind = *g.add(group);
                        for place in places.rev() {
                            *dx.add(place) *= behind;
                            behind *= *x.add(place);
                        }
                    }
                }
            },
        );
    }
}
