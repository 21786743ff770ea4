//! Axes made longer, or shorter, at their ends.

use std::sync::Arc;

use crate::autograd::{Grads, record};
use crate::dtype::dispatch;
use crate::kernels::arrange::{Copies, FILL, Map};
use crate::ops::indexing::require_host;
use crate::tensor::{Sizes, try_collect};
use crate::{Error, Result, Tensor, no_grad};

/// What [`Tensor::pad`] puts around a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// A number.
    Constant(f64),
    /// The tensor mirrored at its first and last entry, which are not repeated.
    Reflect,
    /// Its first and last entry.
    Replicate,
    /// The entries of its other end.
    Circular,
}

const OP: &str = "pad";

impl PadMode {
    /// By PyTorch's name; the number is that of "constant".
    pub(crate) fn parse(name: &str, value: f64) -> Option<Self> {
        Some(match name {
            "constant" => PadMode::Constant(value),
            "reflect" => PadMode::Reflect,
            "replicate" => PadMode::Replicate,
            "circular" => PadMode::Circular,
            _ => return None,
        })
    }

    /// Whether an axis of this size has what is asked of it when so many are added at its ends.
    pub(crate) fn fits(self, size: usize, left: isize, right: isize) -> bool {
        let most = match self {
            PadMode::Constant(_) => isize::MAX,
            PadMode::Reflect => size as isize - 1,
            PadMode::Circular => size as isize,
            PadMode::Replicate if size == 0 => 0,
            PadMode::Replicate => isize::MAX,
        };
        (left, right) == (0, 0) || left <= most && right <= most
    }

    /// What each position is a copy of then.
    pub(crate) fn positions(self, size: usize, left: isize, right: isize) -> Result<Vec<usize>> {
        let len = size as isize;
        // What negative padding leaves is what a circular one repeats.
        let (first, kept) = (-left.min(0), (len + left.min(0) + right.min(0)).max(1));
        let entry = |at: isize| match self {
            PadMode::Constant(_) if !(0..len).contains(&at) => FILL,
            PadMode::Reflect if at < 0 => (-at) as usize,
            PadMode::Reflect if at >= len => (2 * (len - 1) - at) as usize,
            PadMode::Circular => (first + (at - first).rem_euclid(kept)) as usize,
            _ => at.clamp(0, len - 1) as usize,
        };
        let count = len.saturating_add(left).saturating_add(right).max(0) as usize;
        try_collect(count, (0..count as isize).map(|at| entry(at - left)))
    }
}

impl Tensor {
    /// The tensor with entries added at the ends of its last axes (`torch.nn.functional.pad`): `[left, right]` of the
    /// last axis, then the same of the one before, and so on. With `Constant`, negative numbers take entries off.
    ///
    /// # Errors
    /// If the number of sizes is odd or more than twice the rank, an axis would get a negative size, or a mode other
    /// than `Constant` asks for entries that the axis does not have.
    ///
    /// ```
    /// use rustorch::{PadMode, Tensor};
    /// let x = Tensor::from([[1.0f32, 2.0, 3.0]]);
    /// assert_eq!(x.pad([1, 2], PadMode::Constant(0.0))?.to_vec::<f32>()?, [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]);
    /// assert_eq!(x.pad([2, 1], PadMode::Reflect)?.to_vec::<f32>()?, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn pad(&self, padding: impl Sizes, mode: PadMode) -> Result<Tensor> {
        self.padded(padding.into_sizes(), mode)
    }

    fn padded(&self, padding: Vec<isize>, mode: PadMode) -> Result<Tensor> {
        if !padding.len().is_multiple_of(2) || padding.len() > 2 * self.rank() {
            return Err(Error::argument(
                OP,
                format!(
                    "{} sizes {padding:?}, expected two per axis, for at most {} axes",
                    padding.len(),
                    self.rank()
                ),
            ));
        }
        let ends = |axis: usize| {
            let from_end = 2 * (self.rank() - 1 - axis);
            padding.get(from_end..from_end + 2).map_or((0, 0), |pair| (pair[0], pair[1]))
        };
        for axis in 0..self.rank() {
            let (left, right) = ends(axis);
            let size = self.shape()[axis] as isize;
            let total = left.checked_add(right).and_then(|ends| ends.checked_add(size));
            let kept = left.min(0).saturating_add(right.min(0)).saturating_add(size);
            if total.is_none_or(|total| total < 0) || kept < 0 {
                return Err(Error::argument(
                    OP,
                    format!(
                        "axis {axis} of {:?} would get size {}",
                        self.shape(),
                        left as i128 + right as i128 + size as i128
                    ),
                ));
            }
        }
        match mode {
            PadMode::Constant(value) if !self.device().is_cpu() => self.pad_constant(ends, value),
            _ => self.arranged(ends, mode),
        }
    }

    /// By the kernel.
    fn arranged(&self, ends: impl Fn(usize) -> (isize, isize), mode: PadMode) -> Result<Tensor> {
        require_host(OP, &[self])?;
        let mut shape = Vec::with_capacity(self.rank());
        for (axis, &size) in self.shape().iter().enumerate() {
            let (left, right) = ends(axis);
            if !mode.fits(size, left, right) {
                let message = format!(
                    "{mode:?} padding of ({left}, {right}) asks for more than axis {axis} of size {size} has"
                );
                return Err(Error::argument(OP, message));
            }
            shape.push(size.saturating_add_signed(left + right));
        }
        let value = if let PadMode::Constant(value) = mode { value } else { 0.0 };
        let fill = Tensor::try_full(&[], value, self.dtype(), self.device())?;
        let sizes = self.shape().iter().enumerate().map(|(axis, &size)| (size, ends(axis)));
        // Where there is nothing, positions may be any number.
        let axes = match shape.contains(&0) {
            true => Vec::new(),
            false => {
                sizes.map(|(size, (left, right))| mode.positions(size, left, right)).collect::<Result<_>>()?
            }
        };
        spread(self, Arc::new(Padding { axes, shapes: [self.shape().into(), shape] }), &fill)
    }

    fn pad_constant(&self, ends: impl Fn(usize) -> (isize, isize), value: f64) -> Result<Tensor> {
        let shape: Vec<usize> = (0..self.rank())
            .map(|axis| self.shape()[axis].saturating_add_signed(ends(axis).0 + ends(axis).1))
            .collect();
        let output = Tensor::try_full(&shape, value, self.dtype(), self.device())?;
        let (mut inside, mut kept) = (output.clone(), self.clone());
        for axis in 0..self.rank() {
            let (left, right) = ends(axis);
            let size = self.shape()[axis].saturating_add_signed(left.min(0) + right.min(0));
            inside = inside.narrow(axis as isize, left.max(0) as usize, size)?;
            kept = kept.narrow(axis as isize, left.min(0).unsigned_abs(), size)?;
        }
        inside.copy_(&kept)?;
        Ok(output)
    }
}

/// What the positions of a padded tensor are copies of.
struct Padding {
    axes: Vec<Vec<usize>>,
    /// The shapes of the tensor and of the result.
    shapes: [Vec<usize>; 2],
}

/// The padded tensor, `fill` where there is no copy.
fn spread(x: &Tensor, padding: Arc<Padding>, fill: &Tensor) -> Result<Tensor> {
    let given = no_grad(|| x.contiguous());
    let output = Tensor::uninit(&padding.shapes[1], x.dtype(), x.device())?;
    if output.numel() > 0 {
        let map = Map::new(&padding.axes, &padding.shapes[0]);
        let _guard = given.storage().read();
        let (from, to, fill) = (given.host_ptr().cast_const(), output.host_ptr(), fill.host_ptr());
        // SAFETY: contiguous elements of these shapes and this size; the input is locked, the output fresh and ours alone. A tensor of one
        // element that nobody else has is `fill`.
        unsafe {
            match x.dtype().size() {
                1 => map.copy(from, to, *fill),
                2 => map.copy::<u16>(from.cast(), to.cast(), *fill.cast()),
                4 => map.copy::<u32>(from.cast(), to.cast(), *fill.cast()),
                8 => map.copy::<u64>(from.cast(), to.cast(), *fill.cast()),
                _ => map.copy::<[u64; 2]>(from.cast(), to.cast(), *fill.cast()),
            }
        }
    }
    record(OP, &[&output], &[x], || {
        Box::new(move |ctx| Ok(Grads::from_iter([Some(gathered(ctx.grad()?, padding.clone())?)])))
    });
    Ok(output)
}

/// The gradient of what was padded: the sum of those of its copies.
fn gathered(grad: &Tensor, padding: Arc<Padding>) -> Result<Tensor> {
    let given = no_grad(|| grad.contiguous());
    let shape = &padding.shapes[0];
    if given.numel() == 0 {
        return Tensor::try_full(shape, 0.0, grad.dtype(), grad.device());
    }
    let output = Tensor::uninit(shape, grad.dtype(), grad.device())?;
    if output.numel() > 0 {
        let copies = Copies::new(Map::new(&padding.axes, &padding.shapes[0]), output.numel());
        let _guard = given.storage().read();
        dispatch!(inexact grad.dtype(), OP, T => {
            // SAFETY: contiguous elements of these shapes and this type; the input is locked, the output fresh and ours alone.
            unsafe { copies.add_up::<T>(given.host_ptr().cast::<T>().cast_const(), output.host_ptr().cast()) };
        });
    }
    record(OP, &[&output], &[grad], || {
        Box::new(move |ctx| {
            let grad = ctx.grad()?;
            let zero = Tensor::try_full(&[], 0.0, grad.dtype(), grad.device())?;
            Ok(Grads::from_iter([Some(spread(grad, padding.clone(), &zero)?)]))
        })
    });
    Ok(output)
}
