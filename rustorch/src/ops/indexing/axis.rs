//! Whole entries of an axis, named by a vector of positions.

use super::{
    Combine, apart, as_positions, check_positions, lines_by_entry, read_lines, require_host,
    require_same_dtype, write_lines,
};
use crate::autograd::{BackwardFn, Grads, Saved, check_inplace, record, record_inplace};
use crate::storage::lock_for_write;
use crate::tensor::refuse_overlap;
use crate::{Error, Result, Scalar, Tensor, no_grad};

impl Tensor {
    /// The entries of an axis that `index` names, in its order (`torch.index_select`).
    ///
    /// # Errors
    /// If the index is not a vector of `I64` or `I32`, or an entry is outside the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([10, 20, 30]).index_select(0, &Tensor::from([2i64, 0]))?;
    /// assert_eq!(x.to_vec::<i32>()?, [30, 10]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn index_select(&self, axis: isize, index: &Tensor) -> Result<Tensor> {
        const OP: &str = "index_select";
        let at = self.axis(OP, axis)?;
        let shape = rustorch_shape::rules::index_select(self.shape(), axis, index.shape())?;
        let positions = self.positions_along(OP, index)?;
        let output = Tensor::uninit(&shape, self.dtype(), self.device())?;
        {
            let _guards = (self.storage().read(), positions.storage().read());
            let lines = lines_by_entry(self.layout(), output.layout(), positions.layout(), at);
            // SAFETY: locked, and checked before it is read; the output is ours alone.
            unsafe {
                check_positions(OP, &positions, at, self.shape().get(at).copied().unwrap_or(1))?;
                read_lines(lines, self, &positions, &output);
            }
        }
        let like = self.layout().shape.clone();
        record(OP, &[&output], &[self], || {
            let positions = Saved::input(&positions);
            Box::new(move |ctx| {
                let grad = ctx.grad()?;
                let zeros = Tensor::try_full(&like, 0.0, grad.dtype(), grad.device())?;
                Ok(Grads::from_iter([Some(zeros.index_add(axis, &positions.unpack(ctx)?, grad)?)]))
            })
        });
        Ok(output)
    }

    /// A copy in which the entries of `source` are added to the entries of an axis that `index` names, repeated
    /// indices adding up in their order, whatever the number of threads (`torch.index_add`).
    ///
    /// # Errors
    /// If the index is not a vector of `I64` or `I32`, an entry is outside the axis, or the source's shape or dtype
    /// does not fit.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let sum = Tensor::zeros([3]).index_add(0, &Tensor::from([2i64, 0, 2]), &Tensor::from([1.0f32, 2.0, 3.0]))?;
    /// assert_eq!(sum.to_vec::<f32>()?, [2.0, 0.0, 4.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn index_add(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.with_entries("index_add", axis, index, source, Combine::Add)
    }

    /// [`Tensor::index_add`] in place (`torch.Tensor.index_add_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn index_add_(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.write_entries("index_add_", axis, index, source, Combine::Add)
    }

    /// A copy in which the entries of an axis that `index` names are replaced by those of `source`
    /// (`torch.index_copy`). Of several values for one entry the last stays.
    ///
    /// # Errors
    /// As [`Tensor::index_add`].
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([3]).index_copy(0, &Tensor::from([2i64]), &Tensor::from([7.0f32]))?;
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 0.0, 7.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn index_copy(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.with_entries("index_copy", axis, index, source, Combine::Set)
    }

    /// [`Tensor::index_copy`] in place (`torch.Tensor.index_copy_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    #[inline]
    pub fn index_copy_(&self, axis: isize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        self.write_entries("index_copy_", axis, index, source, Combine::Set)
    }

    /// A copy in which the entries of an axis that `index` names are filled with a number (`torch.index_fill`).
    ///
    /// # Errors
    /// If the index is not a vector of `I64` or `I32`, or an entry is outside the axis.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([2, 2]).index_fill(1, &Tensor::from([0i64]), 5.0)?;
    /// assert_eq!(x.to_vec::<f32>()?, [5.0, 0.0, 5.0, 0.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn index_fill(&self, axis: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        self.with_entries(
            "index_fill",
            axis,
            index,
            &self.filler("index_fill", axis, index, value)?,
            Combine::Set,
        )
    }

    /// [`Tensor::index_fill`] in place (`torch.Tensor.index_fill_`).
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    pub fn index_fill_(&self, axis: isize, index: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        self.write_entries(
            "index_fill_",
            axis,
            index,
            &self.filler("index_fill_", axis, index, value)?,
            Combine::Set,
        )
    }

    /// A number of this tensor's dtype, stretched to the shape of the entries.
    fn filler(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        value: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let value = value.into();
        value.check_assignable(op, self.dtype())?;
        let shape = rustorch_shape::rules::index_select(self.shape(), axis, index.shape())?;
        Tensor::try_full(&[], value, self.dtype(), self.device())?.expand(shape)
    }

    /// The index as positions along an axis.
    fn positions_along(&self, op: &'static str, index: &Tensor) -> Result<Tensor> {
        require_host(op, &[self, index])?;
        if index.rank() > 1 {
            return Err(Error::argument(
                op,
                format!("the index has shape {:?}, expected a vector", index.shape()),
            ));
        }
        as_positions(op, index)
    }

    fn entry_arguments(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
    ) -> Result<(usize, Tensor)> {
        let at = self.axis(op, axis)?;
        require_host(op, &[self, source])?;
        require_same_dtype(op, self, source)?;
        let positions = self.positions_along(op, index)?;
        let mut expected = self.shape().to_vec();
        if let Some(size) = expected.get_mut(at) {
            *size = index.numel();
        }
        let scalar_entry = self.rank() == 1 && source.rank() == 0 && index.numel() == 1;
        if source.shape() != expected
            && !scalar_entry
            && !(self.rank() == 0 && source.numel() == index.numel())
        {
            return Err(Error::argument(
                op,
                format!(
                    "the source has shape {:?}, but {} entries along axis {at} of {:?} have {expected:?}",
                    source.shape(),
                    index.numel(),
                    self.shape()
                ),
            ));
        }
        Ok((at, positions))
    }

    fn with_entries(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
        combine: Combine,
    ) -> Result<Tensor> {
        let (at, positions) = self.entry_arguments(op, axis, index, source)?;
        let output = no_grad(|| self.copy());
        write(op, &output, at, &positions, source, combine)?;
        record(op, &[&output], &[self, source], || backward(axis, &positions, source, combine));
        Ok(output)
    }

    #[inline]
    fn write_entries(
        &self,
        op: &'static str,
        axis: isize,
        index: &Tensor,
        source: &Tensor,
        combine: Combine,
    ) -> Result<Tensor> {
        let (at, positions) = self.entry_arguments(op, axis, index, source)?;
        refuse_overlap(op, self, &[index, source])?;
        let before = check_inplace(op, self, &[source])?;
        write(op, self, at, &apart(self, &positions), &apart(self, source), combine)?;
        record_inplace(op, self, before, || backward(axis, &positions, source, combine))?;
        Ok(self.clone())
    }
}

fn write(
    op: &'static str,
    target: &Tensor,
    at: usize,
    positions: &Tensor,
    values: &Tensor,
    combine: Combine,
) -> Result<()> {
    let _guard = lock_for_write(target.storage(), &[positions.storage(), values.storage()]);
    let lines = lines_by_entry(target.layout(), values.layout(), positions.layout(), at);
    // SAFETY: locked, and checked before it is used; the values are in other memory than the target.
    unsafe {
        check_positions(op, positions, at, target.shape().get(at).copied().unwrap_or(1))?;
        write_lines(lines, target, positions, values, combine);
    }
    Ok(())
}

fn backward(axis: isize, positions: &Tensor, source: &Tensor, combine: Combine) -> BackwardFn {
    let (positions, shape) = (Saved::input(positions), source.layout().shape.clone());
    Box::new(move |ctx| {
        let (grad, positions) = (ctx.grad()?, positions.unpack(ctx)?);
        let own = match combine {
            Combine::Set => grad.index_fill(axis, &positions, 0)?,
            _ => grad.clone(),
        };
        let source = match ctx.needs(1) {
            true => Some(grad.index_select(axis, &positions)?.reshape(shape.as_slice())?),
            false => None,
        };
        Ok(Grads::from_iter([Some(own), source]))
    })
}
