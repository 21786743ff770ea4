//! Tensors taken apart into views.

use crate::{Error, Result, Tensor};

/// How [`Tensor::split`] divides an axis: into pieces of one size, the last being what is left, or of given sizes.
pub trait SplitSizes {
    /// What the pieces say made them.
    #[doc(hidden)]
    const NODE: &'static str = "split_with_sizes";

    /// The sizes of the pieces of an axis.
    #[doc(hidden)]
    fn resolve(&self, shape: &[usize], axis: isize) -> Result<Vec<usize>>;
}

#[inline]
fn sizes_along(shapes: &[Vec<usize>], shape: &[usize], axis: isize) -> Result<Vec<usize>> {
    let at = rustorch_shape::normalize_axis("split", axis, shape.len())?;
    Ok(shapes.iter().map(|piece| piece[at]).collect())
}

impl SplitSizes for usize {
    const NODE: &'static str = "split";

    #[inline]
    fn resolve(&self, shape: &[usize], axis: isize) -> Result<Vec<usize>> {
        sizes_along(&rustorch_shape::rules::split(shape, self, axis, &mut ())?, shape, axis)
    }
}

impl SplitSizes for [usize] {
    fn resolve(&self, shape: &[usize], axis: isize) -> Result<Vec<usize>> {
        sizes_along(&rustorch_shape::rules::split_sizes(shape, self, axis, &mut ())?, shape, axis)
    }
}

impl<const N: usize> SplitSizes for [usize; N] {
    fn resolve(&self, shape: &[usize], axis: isize) -> Result<Vec<usize>> {
        self.as_slice().resolve(shape, axis)
    }
}

impl SplitSizes for Vec<usize> {
    #[inline]
    fn resolve(&self, shape: &[usize], axis: isize) -> Result<Vec<usize>> {
        self.as_slice().resolve(shape, axis)
    }
}

impl<T: SplitSizes + ?Sized> SplitSizes for &T {
    const NODE: &'static str = T::NODE;

    fn resolve(&self, shape: &[usize], axis: isize) -> Result<Vec<usize>> {
        (**self).resolve(shape, axis)
    }
}

impl Tensor {
    /// Pieces of an axis as views: of one size, the last taking what is left, or of given sizes (`torch.split`).
    ///
    /// # Errors
    /// If there is no such axis, the size is 0 but that of the axis is not, or the sizes do not add up to that of the
    /// axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::arange(0, 5, 1)?;
    /// let sizes = |pieces: Vec<Tensor>| pieces.iter().map(Tensor::numel).collect::<Vec<_>>();
    /// assert_eq!(sizes(x.split(2, 0)?), [2, 2, 1]);
    /// assert_eq!(sizes(x.split([1, 4], 0)?), [1, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn split<S: SplitSizes>(&self, sizes: S, axis: isize) -> Result<Vec<Tensor>> {
        self.pieces(S::NODE, &sizes.resolve(self.shape(), axis)?, axis)
    }

    /// At most `chunks` pieces of an axis as views, all but the last equally large (`torch.chunk`).
    ///
    /// # Errors
    /// If there is no such axis or `chunks` is 0.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::zeros([5, 2]).chunk(3, 0)?[2].shape(), [1, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn chunk(&self, chunks: usize, axis: isize) -> Result<Vec<Tensor>> {
        let shapes = rustorch_shape::rules::chunk(self.shape(), chunks, axis, &mut ())?;
        self.pieces("split", &sizes_along(&shapes, self.shape(), axis)?, axis)
    }

    /// Exactly `sections` pieces of an axis as views, the first ones larger by one where they cannot be equal
    /// (`torch.tensor_split`).
    ///
    /// # Errors
    /// If there is no such axis or `sections` is 0.
    #[inline]
    pub fn tensor_split(&self, sections: usize, axis: isize) -> Result<Vec<Tensor>> {
        const OP: &str = "tensor_split";
        let size = self.shape()[self.existing_axis(OP, axis)?];
        if sections == 0 {
            return Err(Error::argument(OP, "the number of pieces is 0, but must be at least 1"));
        }
        let sizes = (0..sections).map(|i| size / sections + usize::from(i < size % sections));
        let sizes = crate::tensor::try_collect(sections, sizes)?;
        self.pieces("slice", &sizes, axis)
    }

    /// The entries of an axis as views without it (`torch.unbind`).
    ///
    /// # Errors
    /// If there is no such axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).unbind(1)?[0].to_vec::<i32>()?, [1, 3]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn unbind(&self, axis: isize) -> Result<Vec<Tensor>> {
        let at = self.existing_axis("unbind", axis)?;
        Ok((0..self.shape()[at]).map(|index| self.entry("unbind", at, index)).collect())
    }

    #[inline]
    fn pieces(&self, op: &'static str, sizes: &[usize], axis: isize) -> Result<Vec<Tensor>> {
        let mut start = 0;
        let mut piece = |&size: &usize| {
            let piece = self.narrow_as(op, axis, start, size);
            start += size;
            piece
        };
        sizes.iter().map(&mut piece).collect()
    }
}
