//! Carries out a plan with views, sums and matrix products.

use std::sync::Arc;

use rustorch_shape::einsum::{Contraction, Gradient, Plan, Prepare};
use smallvec::SmallVec;

use crate::autograd::{Grads, Saved, is_needed, record};
use crate::{DType, Error, Result, Tensor, no_grad};

/// Rows from which a matrix product is worth its call. Groups of rows that do not merge into one axis are then multiplied
/// matrix by matrix, rather than copied so that they do.
const MIN_ROWS: usize = 16;

/// A plan whose contractions are shared with the tape.
pub(super) struct Steps {
    prepare: Vec<Prepare>,
    contractions: Vec<Arc<Contraction>>,
    permutation: Option<Vec<usize>>,
}

impl From<Plan> for Steps {
    #[inline]
    fn from(Plan { prepare, contractions, permutation }: Plan) -> Self {
        Self { prepare, contractions: contractions.into_iter().map(Arc::new).collect(), permutation }
    }
}

impl Steps {
    /// The result for operands of the shapes that the plan was made for.
    #[inline]
    pub(super) fn run(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let mut values: SmallVec<[Tensor; 4]> = SmallVec::new();
        for (step, operand) in self.prepare.iter().zip(operands) {
            values.push(if step.is_identity() { (*operand).clone() } else { prepare(step, operand)? });
        }
        // Sums of small integers are `i64`, which the other operands are not if they are not summed.
        let is_alike = operands.windows(2).all(|pair| pair[0].dtype() == pair[1].dtype());
        for step in &self.contractions {
            let (left, right) = (&values[step.left], &values[step.right]);
            let result = match is_alike && left.dtype() != right.dtype() {
                true => contract(step, &left.to_dtype(DType::I64), &right.to_dtype(DType::I64))?,
                false => contract(step, left, right)?,
            };
            values.push(result);
        }
        let Some(last) = values.pop() else { return Err(Error::argument("einsum", "no operands")) };
        match &self.permutation {
            Some(axes) => permute(&last, axes),
            None => Ok(last),
        }
    }
}

/// Drops axes, takes diagonals and sums, as `step` says.
fn prepare(step: &Prepare, operand: &Tensor) -> Result<Tensor> {
    let mut value = operand.clone();
    // Where each axis of the operand is now.
    let mut place: Vec<usize> = (0..operand.shape().len()).collect();
    let remove = |place: &mut Vec<usize>, axis: usize| {
        let gone = place[axis];
        place.iter_mut().for_each(|at| *at -= usize::from(*at > gone));
    };
    for &axis in &step.dropped {
        value = value.squeeze(place[axis])?;
        remove(&mut place, axis);
    }
    for axes in step.axes.iter().filter(|axes| axes.len() > 1) {
        for &twin in &axes[1..] {
            let (first, second) = (place[axes[0]], place[twin]);
            value = value.diagonal(0, first as isize, second as isize)?;
            remove(&mut place, twin);
            remove(&mut place, axes[0]);
            // The diagonal comes last.
            place[axes[0]] = value.shape().len() - 1;
        }
    }
    let summed: SmallVec<[usize; 8]> = step.summed.iter().map(|&at| place[step.axes[at][0]]).collect();
    // Diagonals have moved: bring what is left into the order the plan knows.
    let kept: Vec<usize> = (0..step.axes.len())
        .filter(|at| !step.summed.contains(at))
        .map(|at| place[step.axes[at][0]])
        .collect();
    if !summed.is_empty() {
        value = value.sum_dim(summed.as_slice(), false)?;
    }
    let order: Vec<usize> =
        kept.iter().map(|&axis| axis - summed.iter().filter(|&&gone| gone < axis).count()).collect();
    permute(&value, &order)
}

/// One contraction, recorded as one node. Its gradients are contractions as well, and so on to any order.
fn contract(step: &Arc<Contraction>, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    if !is_needed(&[left, right]) {
        return product(step, left, right);
    }
    let output = no_grad(|| product(step, left, right))?;
    record("einsum", &[&output], &[left, right], || {
        let (step, dtypes) = (step.clone(), [left.dtype(), right.dtype()]);
        let (left, right) = (Saved::input(left), Saved::input(right));
        Box::new(move |ctx| {
            let mut grads = Grads::from_iter([None, None]);
            if ctx.needs(0) {
                let Gradient { contraction, permutation } = step.left_gradient();
                let grad = contract(&Arc::new(contraction), ctx.grad()?, &conjugate(right.unpack(ctx)?))?;
                grads[0] = Some(permute(&grad, &permutation)?.to_dtype(dtypes[0]));
            }
            if ctx.needs(1) {
                let Gradient { contraction, permutation } = step.right_gradient();
                let grad = contract(&Arc::new(contraction), &conjugate(left.unpack(ctx)?), ctx.grad()?)?;
                grads[1] = Some(permute(&grad, &permutation)?.to_dtype(dtypes[1]));
            }
            Ok(grads)
        })
    });
    Ok(output)
}

fn conjugate(tensor: Tensor) -> Tensor {
    if tensor.dtype().is_complex() { tensor.conj() } else { tensor }
}

/// `left [batch, rows, contracted] × right [batch, contracted, columns]`, with groups merged into single axes.
fn product(step: &Contraction, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let (left, right) = (permute(left, &step.left_axes)?, permute(right, &step.right_axes)?);
    let (batch, rows, columns, contracted) =
        (step.batch.len(), step.rows.len(), step.columns.len(), step.contracted.len());
    if step.is_elementwise() {
        return outer(&left, &right, batch, rows);
    }
    if (batch, rows, columns, contracted) == (0, 1, 1, 1) {
        return left.matmul(&right);
    }
    let left_rows = batch..batch + rows;
    // Rows that stay separate axes become further batch axes, along which the right operand broadcasts.
    let separate = if separate_rows(&left, left_rows.clone()) { rows - 1 } else { 0 };
    let result_shape = [&left.shape()[..batch + rows], &right.shape()[batch + contracted..]].concat();
    let size = |sizes: &[usize]| sizes.iter().product::<usize>();
    let (ls, rs) = (left.shape(), right.shape());
    let depth = size(&ls[batch + rows..]);
    let mut left_shape = ls[..batch + separate].to_vec();
    left_shape.extend([size(&ls[batch + separate..batch + rows]), depth]);
    let mut right_shape = rs[..batch].to_vec();
    right_shape.extend(std::iter::repeat_n(1, separate));
    right_shape.extend([depth, size(&rs[batch + contracted..])]);
    let product = reshape(&left, &left_shape)?.matmul(&reshape(&right, &right_shape)?)?;
    reshape(&product, &result_shape)
}

/// Whether the rows are several axes that would have to be copied to merge, and the last of them is long enough.
fn separate_rows(left: &Tensor, rows: std::ops::Range<usize>) -> bool {
    let (sizes, strides) = (&left.shape()[rows.clone()], &left.strides()[rows]);
    let merges = |at: usize| sizes[at] == 1 || strides[at] == strides[at + 1] * sizes[at + 1];
    sizes.len() > 1 && !(0..sizes.len() - 1).all(merges) && sizes[sizes.len() - 1] >= MIN_ROWS
}

/// The product of elements: `left [batch, rows] · right [batch, columns]` as `[batch, rows, columns]`.
#[inline]
fn outer(left: &Tensor, right: &Tensor, batch: usize, rows: usize) -> Result<Tensor> {
    let columns = right.shape().len() - batch;
    let left_shape = [left.shape(), &vec![1; columns][..]].concat();
    let right_shape = [&right.shape()[..batch], &vec![1; rows][..], &right.shape()[batch..]].concat();
    // A scalar broadcasts as it is, and so keeps its low rank in type promotion.
    let expand = |tensor: &Tensor, shape: &[usize]| match tensor.rank() {
        0 => Ok(tensor.clone()),
        _ => reshape(tensor, shape),
    };
    expand(left, &left_shape)?.mul(&expand(right, &right_shape)?)
}

/// The tensor itself where the axes are in order already.
fn permute(tensor: &Tensor, axes: &[usize]) -> Result<Tensor> {
    if axes.iter().enumerate().all(|(at, &axis)| at == axis) {
        Ok(tensor.clone())
    } else {
        tensor.permute(axes)
    }
}

/// The tensor itself where it has the shape already.
fn reshape(tensor: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if tensor.shape() == shape { Ok(tensor.clone()) } else { tensor.reshape(shape) }
}
