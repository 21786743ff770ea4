//! Indexing by several index tensors at once (`torch.Tensor.index` and `index_put`).
//!
//! The index tensors broadcast to one shape. Each combination of their entries is an offset into the tensor, so that
//! what is left is a walk along one axis of such offsets, whose other axes are those without an index.

use super::mask::fits;
use super::{Combine, apart, read_lines, require_host, require_same_dtype, wrap_positions, write_lines};
use smallvec::SmallVec;

use crate::autograd::{Ctx, Grads, Saved, check_inplace, record, record_inplace};
use crate::kernels::lines::{Lines, Strides};
use crate::layout::{Dims, Layout};
use crate::storage::lock_for_write;
use crate::tensor::refuse_overlap;
use crate::{DType, Error, Result, Tensor, no_grad};

/// Index tensors and the tensor that they index, brought into the form that kernels walk.
struct Plan {
    /// One non-negative position per entry and indexed axis, and the axis.
    positions: Vec<(usize, Tensor)>,
    /// The shape to which the index tensors broadcast.
    entries: Vec<usize>,
    /// The axes without an index.
    rest: Vec<usize>,
    /// Where the axes of `entries` stand in the result: behind so many axes of `rest`.
    place: usize,
}

impl Plan {
    #[inline]
    fn new(op: &'static str, tensor: &Tensor, indices: &[Option<Tensor>]) -> Result<Self> {
        let indices = expand_masks(op, tensor, indices)?;
        if indices.len() > tensor.rank() {
            return Err(Error::argument(
                op,
                format!(
                    "{} indices for a tensor of {} axes, {:?}",
                    indices.len(),
                    tensor.rank(),
                    tensor.shape()
                ),
            ));
        }
        let given: Vec<(usize, &Tensor)> =
            indices.iter().enumerate().filter_map(|(axis, index)| Some((axis, index.as_ref()?))).collect();
        let shapes: Vec<&[usize]> = given.iter().map(|(_, index)| index.shape()).collect();
        let entries = rustorch_shape::rules::broadcast_all(op, &shapes, &mut ())?;
        let positions = given
            .iter()
            .map(|&(axis, index)| {
                let wrapped = wrap_positions(op, index, axis, tensor.shape()[axis])?;
                Ok((axis, no_grad(|| wrapped.expand(entries.as_slice()))?))
            })
            .collect::<Result<Vec<_>>>()?;
        let indexed: Vec<usize> = positions.iter().map(|&(axis, _)| axis).collect();
        let adjacent = indexed.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        // Indexed axes that stand together are replaced where they are; else the result begins with them.
        let place = if adjacent { indexed.first().copied().unwrap_or(0) } else { 0 };
        let rest = (0..tensor.rank()).filter(|axis| !indexed.contains(axis)).collect();
        Ok(Self { positions, entries, rest, place })
    }

    /// The shape of the result.
    #[inline]
    fn shape(&self, tensor: &Tensor) -> Vec<usize> {
        let size = |&axis: &usize| tensor.shape()[axis];
        let (before, after) = self.rest.split_at(self.place);
        before.iter().map(size).chain(self.entries.iter().copied()).chain(after.iter().map(size)).collect()
    }

    /// The offset of each combination of index entries in a tensor of these strides.
    fn offsets(&self, strides: &[usize]) -> Result<Tensor> {
        let count = self.entries.iter().product();
        let mut offsets = vec![0i64; count];
        for (axis, positions) in &self.positions {
            let stride = strides[*axis] as i64;
            offsets
                .iter_mut()
                .zip(positions.to_vec::<i64>()?)
                .for_each(|(offset, at)| *offset += at * stride);
        }
        Tensor::from_vec(offsets, [count])
    }

    /// The walk over a tensor and values of the result's shape, which are contiguous along the axes of the entries.
    #[inline]
    fn lines(&self, tensor: &Layout, values: &Layout) -> Lines {
        let pick = |from: &[usize]| -> Dims { self.rest.iter().map(|&axis| from[axis]).collect() };
        let entries = self.place..self.place + self.entries.len();
        let outside = |axis: &usize| !entries.contains(axis);
        let step = if entries.is_empty() { 1 } else { values.strides[entries.end - 1] };
        Lines {
            shape: pick(&tensor.shape),
            strides: Strides {
                addressed: pick(&tensor.strides),
                values: (0..values.rank()).filter(outside).map(|axis| values.strides[axis]).collect(),
                index: Dims::from_elem(0, self.rest.len()),
            },
            count: self.entries.iter().product(),
            axis: Strides { addressed: 1, values: step, index: 1 },
        }
    }
}

/// Whether an index says of each element whether it is meant, as bools do and, as in PyTorch, bytes.
fn is_mask(index: &Tensor) -> bool {
    matches!(index.dtype(), DType::Bool | DType::U8)
}

/// Replaces each bool index by the positions of its true elements along the axes that it covers.
fn expand_masks(
    op: &'static str,
    tensor: &Tensor,
    indices: &[Option<Tensor>],
) -> Result<Vec<Option<Tensor>>> {
    let mut expanded = Vec::with_capacity(indices.len());
    for index in indices {
        let Some(mask) = index.as_ref().filter(|index| is_mask(index)) else {
            expanded.push(index.clone());
            continue;
        };
        let covered = tensor.shape().get(expanded.len()..expanded.len() + mask.rank());
        if covered != Some(mask.shape()) || mask.rank() == 0 {
            return Err(Error::argument(
                op,
                format!(
                    "a mask of shape {:?} does not fit axes {} and following of {:?}",
                    mask.shape(),
                    expanded.len(),
                    tensor.shape()
                ),
            ));
        }
        expanded.extend(mask.nonzero_tuple()?.into_iter().map(Some));
    }
    Ok(expanded)
}

/// Whether the only index is a mask.
#[inline]
fn is_one_mask(indices: &[Option<Tensor>]) -> bool {
    let mut given = indices.iter().flatten();
    given.next().is_some_and(is_mask) && given.next().is_none()
}

/// Index tensors kept for the gradient.
#[inline]
fn saved(indices: &[Option<Tensor>]) -> Vec<Option<Saved>> {
    indices.iter().map(|index| index.as_ref().map(Saved::input)).collect()
}

#[inline]
fn unpacked(indices: &[Option<Saved>], ctx: &Ctx<'_>) -> Result<Vec<Option<Tensor>>> {
    indices.iter().map(|index| index.as_ref().map(|index| index.unpack(ctx)).transpose()).collect()
}

impl Tensor {
    /// The elements at combinations of index tensors, one per axis from the front, `None` for an axis taken whole
    /// (`torch.Tensor.index`; `x[a, :, b]`). Index tensors are `I64` or `I32`, negative entries counting from the end,
    /// or masks, `Bool` or `U8`, which stand for as many axes as they have. They broadcast to one shape, which replaces
    /// the indexed axes where these stand together, and else comes first. [`Tensor::i`] is the comfortable form.
    ///
    /// # Errors
    /// If there are more indices than axes, they do not broadcast, an entry is outside its axis, or a mask does not
    /// have the size of its axes.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// let diagonal = x.index(&[Some(Tensor::from([0i64, 1])), Some(Tensor::from([0i64, 1]))])?;
    /// assert_eq!(diagonal.to_vec::<i32>()?, [1, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn index(&self, indices: &[Option<Tensor>]) -> Result<Tensor> {
        const OP: &str = "index";
        let plan = Plan::new(OP, self, indices)?;
        if plan.positions.is_empty() {
            return Ok(self.clone());
        }
        require_host(OP, &[self])?;
        let output = Tensor::uninit(&plan.shape(self), self.dtype(), self.device())?;
        let offsets = plan.offsets(self.strides())?;
        {
            let _guards = (self.storage().read(), offsets.storage().read());
            // SAFETY: locked, and every offset is that of an element; the output is ours alone.
            unsafe { read_lines(plan.lines(self.layout(), output.layout()), self, &offsets, &output) };
        }
        let like = self.layout().shape.clone();
        record(OP, &[&output], &[self], || {
            let indices = saved(indices);
            Box::new(move |ctx| {
                let (grad, indices) = (ctx.grad()?, unpacked(&indices, ctx)?);
                let zeros = Tensor::try_full(&like, 0.0, grad.dtype(), grad.device())?;
                Ok(Grads::from_iter([Some(zeros.index_put(&indices, grad, true)?)]))
            })
        });
        Ok(output)
    }

    /// A copy in which the elements that [`Tensor::index`] would give are replaced by values, which broadcast, or,
    /// with `accumulate`, increased by them (`torch.index_put`). Of several values for one element the last stays.
    ///
    /// # Errors
    /// As [`Tensor::index`]; also if the dtypes differ, or the values do not broadcast to the indexed shape. A single value
    /// where a single mask holds is converted, as [`Tensor::masked_fill`] does.
    #[inline]
    pub fn index_put(&self, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
        let output = self.copy();
        output.index_put_(indices, values, accumulate)?;
        Ok(output)
    }

    /// [`Tensor::index_put`] in place (`torch.Tensor.index_put_`). [`Tensor::set`] is the comfortable form.
    ///
    /// # Errors
    /// As there, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([3]);
    /// x.index_put_(&[Some(Tensor::from([0i64, 0, 2]))], &Tensor::from(vec![1.0f32]), true)?;
    /// assert_eq!(x.to_vec::<f32>()?, [2.0, 0.0, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn index_put_(
        &self,
        indices: &[Option<Tensor>],
        values: &Tensor,
        accumulate: bool,
    ) -> Result<Tensor> {
        const OP: &str = "index_put_";
        let plan = Plan::new(OP, self, indices)?;
        require_host(OP, &[self, values])?;
        let filling = values.numel() == 1 && !accumulate && is_one_mask(indices);
        let values = &match filling && fits(values.dtype(), self.dtype()) {
            true => values.to_dtype(self.dtype()),
            false => values.clone(),
        };
        require_same_dtype(OP, self, values)?;
        let operands: SmallVec<[&Tensor; 4]> = indices.iter().flatten().chain([values]).collect();
        refuse_overlap(OP, self, &operands)?;
        let before = check_inplace(OP, self, &[values])?;
        let shape = plan.shape(self);
        let combine = if accumulate { Combine::Add } else { Combine::Set };
        // The walk takes the axes of the entries as one.
        let expanded =
            no_grad(|| apart(self, values).expand(shape.as_slice()).map(|values| values.contiguous()));
        let expanded = expanded.map_err(|_| {
            let (given, shape) = (values.shape(), shape.as_slice());
            Error::argument(
                OP,
                format!("values of shape {given:?} do not broadcast to the indexed shape {shape:?}"),
            )
        })?;
        let offsets = plan.offsets(self.strides())?;
        {
            let _guard = lock_for_write(self.storage(), &[expanded.storage(), offsets.storage()]);
            let lines = plan.lines(self.layout(), expanded.layout());
            // SAFETY: locked, every offset is that of an element, and the values are in other memory.
            unsafe { write_lines(lines, self, &offsets, &expanded, combine) };
        }
        let value_shape = values.layout().shape.clone();
        record_inplace(OP, self, before, || {
            let indices = saved(indices);
            Box::new(move |ctx| {
                let (grad, indices) = (ctx.grad()?, unpacked(&indices, ctx)?);
                let zero = Tensor::try_full(&[], 0.0, grad.dtype(), grad.device())?;
                let own = if accumulate { grad.clone() } else { grad.index_put(&indices, &zero, false)? };
                let values = match ctx.needs(1) {
                    true => Some(grad.index(&indices)?.sum_to(&value_shape)?),
                    false => None,
                };
                Ok(Grads::from_iter([Some(own), values]))
            })
        })?;
        Ok(self.clone())
    }

    /// Writes values, in row-major order, to positions in the flattened tensor, or, with `accumulate`, adds them there
    /// (`torch.Tensor.put_`). Negative positions count from the end.
    ///
    /// # Errors
    /// If there are not as many values as positions, a position is outside the tensor, the dtypes differ, and for
    /// leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([2, 2]);
    /// x.put_(&Tensor::from([1i64, -1]), &Tensor::from([5.0f32, 6.0]), false)?;
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 5.0, 0.0, 6.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn put_(&self, index: &Tensor, values: &Tensor, accumulate: bool) -> Result<Tensor> {
        const OP: &str = "put_";
        if index.numel() != values.numel() {
            return Err(Error::argument(
                OP,
                format!("{} positions, but {} values", index.numel(), values.numel()),
            ));
        }
        refuse_overlap(OP, self, &[index, values])?;
        let linear = wrap_positions(OP, index, 0, self.numel())?.to_vec::<i64>()?;
        let strides = crate::layout::contiguous_strides(self.shape());
        let along = |axis: usize| -> Result<Option<Tensor>> {
            let (stride, size) = (strides[axis] as i64, self.shape()[axis] as i64);
            let positions = linear.iter().map(|position| position / stride % size).collect();
            Ok(Some(Tensor::from_vec(positions, [linear.len()])?))
        };
        if self.rank() == 0 {
            let last = values.reshape(-1)?;
            return match (linear.len(), accumulate) {
                (0, _) => Ok(self.clone()),
                (_, true) if self.dtype() == DType::Bool => self.add_(&last.any()),
                (_, true) => self.add_(&last.sum()),
                (count, false) => self.copy_(&last.select(0, count as isize - 1)?),
            };
        }
        let indices = (0..self.rank()).map(along).collect::<Result<Vec<_>>>()?;
        self.index_put_(&indices, &values.reshape(-1)?, accumulate)
    }
}
