//! What happens to a convolution's result while it is in the cache, and where it goes.

use super::Element;
use crate::gemm::{self, Activation, Bias, Region};
use crate::vector::{Vector, VectorKernel};
use crate::{Float, Isa};

/// `y = activation(conv + bias + residual)`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<T> {
    /// A value per output channel.
    pub bias: Option<*const T>,
    /// A tensor of the output's shape, contiguous.
    pub residual: Option<*const T>,
    /// What is applied last.
    pub activation: Activation,
}

impl<T> Epilogue<T> {
    /// The convolution as it is.
    pub const NONE: Epilogue<T> = Epilogue { bias: None, residual: None, activation: Activation::Identity };

    /// Whether nothing is to be done but adding a bias and ReLU.
    pub(super) fn is_simple(&self) -> bool {
        self.residual.is_none() && matches!(self.activation, Activation::Identity | Activation::Relu)
    }
}

impl<T: Copy> Epilogue<T> {
    /// For the part of the output that starts at a channel, which lies at `offset` in the output.
    pub(super) fn from(&self, channel: usize, offset: usize) -> Self {
        Epilogue {
            bias: self.bias.map(|bias| bias.wrapping_add(channel)),
            residual: self.residual.map(|residual| residual.wrapping_add(offset)),
            activation: self.activation,
        }
    }

    /// For a matrix product whose rows are channels, without the residual.
    pub(super) fn of_rows(&self) -> gemm::Epilogue<T> {
        gemm::Epilogue { bias: self.bias.map_or(Bias::None, Bias::PerRow), activation: self.activation }
    }
}

/// What a forward convolution writes.
#[derive(Clone, Copy, Debug)]
pub enum Target<T> {
    /// Its result.
    Plain(*mut T),
    /// The greatest of every 2×2 values of its result at a stride of 2: `[batch, out_channels, height / 2, width / 2]`.
    Pooled {
        /// The maxima.
        y: *mut T,
        /// Which of the four it was, 0 to 3 in row-major order, in the shape of `y`: what
        /// [`halve_backward`](crate::pooling::halve_backward) wants.
        codes: Option<*mut u8>,
    },
}

impl<T> Target<T> {
    pub(super) fn y(&self) -> *mut T {
        match *self {
            Target::Plain(y) | Target::Pooled { y, .. } => y,
        }
    }
}

/// Applies an epilogue to rows (channels) of finished values at a distance of `rs`; the epilogue's pointers are for the first.
///
/// # Safety
/// The pointers cover what is described.
pub(super) unsafe fn finish<T: Element>(
    isa: Isa,
    epilogue: &Epilogue<T>,
    c: *mut T,
    [rows, cols]: [usize; 2],
    rs: usize,
) {
    let kernels = T::kernels(isa);
    let apply = |epilogue: gemm::Epilogue<T>| {
        if !epilogue.is_none() {
            // SAFETY: the caller's promise.
            unsafe { (kernels.epilogue)(&Region { c, rs: rs as isize, cs: 1, rows, cols, epilogue }) };
        }
    };
    let Some(residual) = epilogue.residual else {
        return apply(epilogue.of_rows());
    };
    apply(Epilogue { activation: Activation::Identity, ..*epilogue }.of_rows());
    let relu = epilogue.activation == Activation::Relu;
    T::dispatch(isa, Sum { to: c, from: residual, rows, cols, rs, relu });
    if !relu {
        apply(Epilogue { bias: None, ..*epilogue }.of_rows());
    }
}

/// Adds rows of a tensor to another's, and applies ReLU.
struct Sum<T> {
    to: *mut T,
    from: *const T,
    rows: usize,
    cols: usize,
    rs: usize,
    relu: bool,
}

impl<T: Float> VectorKernel<T> for Sum<T> {
    type Output = ();
    const WIDE: bool = true;

    #[inline(always)]
    fn run<V: Vector<Elem = T>, const FMA: bool>(self) {
        // SAFETY: the maker's promise.
        let zero = unsafe { V::splat(T::ZERO) };
        for row in 0..self.rows {
            for first in (0..self.cols).step_by(V::LANES) {
                let n = V::LANES.min(self.cols - first);
                // SAFETY: the maker's promise; no more than the columns there are is touched.
                unsafe {
                    let at = self.to.add(row * self.rs + first);
                    let from = self.from.add(row * self.rs + first);
                    let sum = V::load_partial(at, n).add(V::load_partial(from, n));
                    if self.relu { zero.max(sum) } else { sum }.store_partial(at, n);
                }
            }
        }
    }
}
