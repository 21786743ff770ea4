//! Values written to, or added at, positions along an axis.

use super::{
    Combine, apart, as_positions, check_positions, lines_by_element, require_host, require_same_dtype,
    write_lines,
};
use crate::autograd::{BackwardFn, Grads, Saved, check_inplace, record, record_inplace};
use crate::storage::lock_for_write;
use crate::tensor::refuse_overlap;
use crate::{Result, Scalar, Tensor, no_grad};

impl Tensor {
    /// A copy in which `self[index[i][j]][j] = source[i][j]` for axis 0, and so on for the others (`torch.scatter`).
    /// Of several values for one element the last in the index's order stays.
    ///
    /// # Errors
    /// If the index is neither `I64` nor `I32`, exceeds the source or, along another axis, the tensor, an entry is outside the axis,
    /// or the dtypes differ.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([3]).scatter(0, &Tensor::from([2i64, 0]), &Tensor::from([5.0f32, 6.0]))?;
    /// assert_eq!(x.to_vec::<f32>()?, [6.0, 0.0, 5.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn scatter(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.scattered("scatter", axis, index, source, Combine::Set)
    }

    /// [`Tensor::scatter`] in place (`torch.Tensor.scatter_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn scatter_(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.scatter_into("scatter_", axis, index, source, Combine::Set)
    }

    /// [`Tensor::scatter`] of one number (`torch.scatter` with a `value`).
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let one_hot = Tensor::zeros([2, 3]).scatter_value(1, &Tensor::from([[2i64], [0]]), 1.0)?;
    /// assert_eq!(one_hot.to_vec::<f32>()?, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn scatter_value(&self, axis: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        self.scattered("scatter", axis, index, &self.constant(index, value)?, Combine::Set)
    }

    /// [`Tensor::scatter_value`] in place.
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    pub fn scatter_value_(&self, axis: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        self.scatter_into("scatter_", axis, index, &self.constant(index, value)?, Combine::Set)
    }

    /// A copy in which `self[index[i][j]][j] += source[i][j]` for axis 0, and so on for the others
    /// (`torch.scatter_add`). Sums are made in the index's order, whatever the number of threads.
    ///
    /// # Errors
    /// As [`Tensor::scatter`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::ones([2]).scatter_add(0, &Tensor::from([1i64, 1]), &Tensor::from([2.0f32, 3.0]))?;
    /// assert_eq!(x.to_vec::<f32>()?, [1.0, 6.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn scatter_add(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.scattered("scatter_add", axis, index, source, Combine::Add)
    }

    /// [`Tensor::scatter_add`] in place (`torch.Tensor.scatter_add_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn scatter_add_(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.scatter_into("scatter_add_", axis, index, source, Combine::Add)
    }

    /// A number of this tensor's dtype, stretched to the index's shape.
    fn constant(&self, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let value = value.into();
        value.check_fits("scatter", self.dtype())?;
        Tensor::try_full(&[], value, self.dtype(), self.device())?.expand(index.shape())
    }

    fn scattered(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
        combine: Combine,
    ) -> Result<Tensor> {
        let (positions, source) = self.scatter_arguments(op, axis, index, source)?;
        let output = no_grad(|| self.copy());
        output.write_scattered(op, axis, &positions, &source, combine)?;
        record(op, &[&output], &[self, &source], || backward(axis, &positions, combine));
        Ok(output)
    }

    #[inline]
    fn scatter_into(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
        combine: Combine,
    ) -> Result<Tensor> {
        refuse_overlap(op, self, &[index, source])?;
        let (positions, source) = self.scatter_arguments(op, axis, index, source)?;
        let before = check_inplace(op, self, &[&source])?;
        let (values, entries) = (apart(self, &source), apart(self, &positions));
        self.write_scattered(op, axis, &entries, &values, combine)?;
        record_inplace(op, self, before, || backward(axis, &positions, combine))?;
        Ok(self.clone())
    }

    /// The index as positions, and the part of the source that it covers.
    pub(super) fn scatter_arguments(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        self.axis(op, axis)?;
        require_host(op, &[self, index, source])?;
        require_same_dtype(op, self, source)?;
        let positions = as_positions(op, index)?;
        if index.numel() == 0 {
            // Nothing is written, so that the index's rank does not matter.
            let nothing = vec![0; self.rank().max(1)];
            let source = source.reshape(-1)?.narrow(0, 0, 0)?.reshape(nothing.as_slice())?;
            return Ok((positions.reshape(nothing)?, source));
        }
        rustorch_shape::rules::gather(op, self.shape(), axis, index.shape(), &mut ())?;
        Ok((positions, source.covered(op, index)?))
    }

    /// The part of this source that an index of the same rank covers.
    fn covered(&self, op: &'static str, index: &Tensor) -> Result<Tensor> {
        if self.shape() == index.shape() || (index.numel() == 1 && self.numel() == 1) {
            return self.reshape(index.shape());
        }
        if index.numel() == 0 {
            return Tensor::try_full(index.shape(), 0, self.dtype(), self.device());
        }
        let fits = self.rank() == index.rank() && index.shape().iter().zip(self.shape()).all(|(i, s)| i <= s);
        if !fits {
            return Err(crate::Error::argument(
                op,
                format!("the index {:?} exceeds the source {:?}", index.shape(), self.shape()),
            ));
        }
        (0..self.rank())
            .try_fold(self.clone(), |part, axis| part.narrow(axis as isize, 0, index.shape()[axis]))
    }

    /// Writes values to positions in this tensor, whose memory is not theirs.
    pub(super) fn write_scattered(
        &self,
        op: &'static str,
        axis: isize,
        positions: &Tensor,
        values: &Tensor,
        combine: Combine,
    ) -> Result<()> {
        let at = self.axis(op, axis)?;
        let _guard = lock_for_write(self.storage(), &[positions.storage(), values.storage()]);
        let lines = lines_by_element(self.layout(), values.layout(), positions.layout(), at);
        // SAFETY: locked, and checked before it is used; the values are in other memory.
        unsafe {
            check_positions(op, positions, at, self.shape().get(at).copied().unwrap_or(1))?;
            write_lines(lines, self, positions, values, combine);
        }
        Ok(())
    }
}

fn backward(axis: isize, positions: &Tensor, combine: Combine) -> BackwardFn {
    let positions = Saved::input(positions);
    Box::new(move |ctx| {
        let (grad, positions) = (ctx.grad()?, positions.unpack(ctx)?);
        let own = match combine {
            Combine::Set => grad.scatter_value(axis, &positions, 0)?,
            _ => grad.clone(),
        };
        let source = if ctx.needs(1) { Some(grad.gather(axis, &positions)?) } else { None };
        Ok(Grads::from_iter([Some(own), source]))
    })
}
