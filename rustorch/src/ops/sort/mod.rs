//! Order: sorting, selecting by rank, distinct elements, searching, counting.

mod cumulative;
mod histogram;
mod order;
mod quantile;
mod search;
mod select;
mod unique;

pub use quantile::Interpolation;
pub use unique::Unique;

use crate::autograd::{Grads, Saved, record};
use crate::dtype::Element;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::kernels::sort::{Scratch, with_scratch};
use crate::{DType, Error, Result, Tensor, no_grad};

/// A tensor as rows along one axis, contiguous, in main memory.
struct Rows {
    data: Tensor,
    /// The shape with the axis last.
    moved: Vec<usize>,
    axis: usize,
    rank: usize,
    count: usize,
    len: usize,
}

impl Rows {
    #[inline]
    fn new(op: &'static str, tensor: &Tensor, axis: isize) -> Result<Self> {
        let at = tensor.axis(op, axis)?;
        if !tensor.device().is_cpu() {
            return Err(Error::Unavailable { op, device: tensor.device(), dtype: tensor.dtype() });
        }
        let data = no_grad(|| match tensor.rank() {
            0 => tensor.reshape(1),
            _ => tensor.movedim(at, -1).map(|moved| moved.contiguous()),
        })?;
        let moved = data.shape().to_vec();
        let len = moved[moved.len() - 1];
        if u32::try_from(len).is_err() {
            return Err(Error::argument(op, format!("axis {at} of size {len} is longer than 2^32 - 1")));
        }
        let count = moved[..moved.len() - 1].iter().product();
        Ok(Self { data, moved, axis: at, rank: tensor.rank(), count, len })
    }

    /// New tensors for `len` values and positions per row.
    #[inline]
    fn outputs(&self, len: usize) -> Result<(Tensor, Tensor)> {
        let mut shape = self.moved.clone();
        shape[self.moved.len() - 1] = len;
        let device = self.data.device();
        Ok((Tensor::uninit(&shape, self.data.dtype(), device)?, Tensor::uninit(&shape, DType::I64, device)?))
    }

    /// Calls `work(row, values, positions, scratch)` for every row, in parallel.
    fn for_each<T: Element>(
        &self,
        (values, positions): (&Tensor, &Tensor),
        len: usize,
        work: impl Fn(&[T], &mut [T], &mut [i64], &mut Scratch) + Sync,
    ) {
        debug_assert_eq!(size_of::<T>(), self.data.dtype().size());
        let _guard = self.data.storage().read();
        let from = Shared(self.data.host_ptr().cast_const().cast::<T>());
        let (to, at) = (Shared(values.host_ptr().cast::<T>()), Shared(positions.host_ptr().cast::<i64>()));
        // A row costs some twenty simple operations per element.
        let grain = (GRAIN / (20 * self.len.max(1))).max(1);
        let tasks = self.count.div_ceil(grain);
        parallel::for_each(tasks, |task| {
            let rows = task * grain..self.count.min((task + 1) * grain);
            with_scratch(|scratch| {
                for row in rows {
                    // SAFETY: the input is contiguous and locked, the outputs are new, and each row is visited once.
                    let (input, values, positions) = unsafe {
                        (
                            std::slice::from_raw_parts(from.get().add(row * self.len), self.len),
                            std::slice::from_raw_parts_mut(to.get().add(row * len), len),
                            std::slice::from_raw_parts_mut(at.get().add(row * len), len),
                        )
                    };
                    work(input, values, positions, scratch);
                }
            });
        });
    }

    /// Moves the axis of a result back to its place.
    #[inline]
    fn restore(&self, output: Tensor) -> Result<Tensor> {
        if self.rank == 0 {
            return no_grad(|| output.squeeze(0));
        }
        no_grad(|| Ok(output.movedim(-1, self.axis)?.contiguous()))
    }

    /// The results of one value per row.
    #[inline]
    fn reduced(&self, output: Tensor, keepdim: bool) -> Result<Tensor> {
        let output = self.restore(output)?;
        if keepdim || self.rank == 0 { Ok(output) } else { no_grad(|| output.squeeze(self.axis)) }
    }

    /// An error if rows are empty.
    #[inline]
    fn require_entries(&self, op: &'static str) -> Result<()> {
        if self.len > 0 {
            return Ok(());
        }
        Err(Error::argument(op, format!("axis {} is empty, and {op} of nothing has no value", self.axis)))
    }
}

/// Records that `values` are elements of `input` at `positions` along an axis.
#[inline]
fn record_picks(
    op: &'static str,
    input: &Tensor,
    values: &Tensor,
    positions: &Tensor,
    axis: usize,
    keepdim: bool,
) {
    let like = input.layout().shape.clone();
    record(op, &[values], &[input], || {
        // The positions are a result too, which may be overwritten.
        let positions = Saved::input(positions);
        Box::new(move |ctx| {
            let (grad, positions) = (ctx.grad()?, positions.unpack(ctx)?);
            let zeros = Tensor::try_full(&like, 0.0, grad.dtype(), grad.device())?;
            let at = axis as isize;
            let (grad, positions) = match keepdim || like.is_empty() {
                true => (grad.clone(), positions),
                false => (grad.unsqueeze(at)?, positions.unsqueeze(at)?),
            };
            Ok(Grads::from_iter([Some(zeros.scatter_add(at, &positions, &grad)?)]))
        })
    });
}
