//! Operations that keep the shape, and elementwise ones of several tensors.
//!
//! The methods of the elementwise table (`relu`, `exp`, `pow`, `lt`, ...) are made by the table itself, in
//! `ops/elementwise/macros.rs`; here is what they accept, and what the table does not have.

use super::{Axis, Broadcast, Shape, TypedTensor};
use crate::{DType, Device, Operand, Result, Tensor};

/// What an elementwise method of a typed tensor of shape `S` takes: a typed tensor that broadcasts, a number, or a plain
/// [`Tensor`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not combine with a typed tensor of shape `{S}`",
    label = "neither a number nor a tensor of a shape that broadcasts against `{S}`",
    note = "pass a reference to a `TypedTensor`, a number, or a reference to a `Tensor`"
)]
pub trait ElementwiseOperand<S: Shape> {
    /// The typed result; for a plain tensor a `Result<Tensor>`.
    type Output;

    /// Calls `f` with both operands.
    fn apply(
        self,
        left: &TypedTensor<S>,
        f: impl FnOnce(&Tensor, Operand<'_>) -> Result<Tensor>,
    ) -> Self::Output;
}

impl<S: Shape + Broadcast<R>, R: Shape> ElementwiseOperand<S> for &TypedTensor<R> {
    type Output = TypedTensor<<S as Broadcast<R>>::Output>;

    #[track_caller]
    fn apply(
        self,
        left: &TypedTensor<S>,
        f: impl FnOnce(&Tensor, Operand<'_>) -> Result<Tensor>,
    ) -> Self::Output {
        TypedTensor::infallible(f(left.as_tensor(), Operand::Tensor(self.as_tensor())))
    }
}

#[diagnostic::do_not_recommend]
impl<S: Shape> ElementwiseOperand<S> for &Tensor {
    type Output = Result<Tensor>;

    fn apply(
        self,
        left: &TypedTensor<S>,
        f: impl FnOnce(&Tensor, Operand<'_>) -> Result<Tensor>,
    ) -> Result<Tensor> {
        f(left.as_tensor(), Operand::Tensor(self))
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<S: Shape> ElementwiseOperand<S> for $number {
            type Output = TypedTensor<S>;

            #[track_caller]
            fn apply(
                self,
                left: &TypedTensor<S>,
                f: impl FnOnce(&Tensor, Operand<'_>) -> Result<Tensor>,
            ) -> TypedTensor<S> {
                TypedTensor::infallible(f(left.as_tensor(), Operand::Scalar(self.into())))
            }
        }
    )*};
}

// One type for each kind of literal, so that rustc knows the result of `x.pow(2.0)` at once.
numbers! { f64 i64 bool }

/// Methods of [`Tensor`] along axis `I`, whose result has the shape of the operand.
///
/// The lines that name them are what rustc shows to those who pass the axis in parentheses.
macro_rules! along_axis {
    ($($(#[$doc:meta])* $name:ident::<I>();)*) => {
        impl<S: Shape> TypedTensor<S> {$(
            $(#[$doc])*
            ///
            /// # Panics
            #[doc = concat!("As [`Tensor::", stringify!($name), "`] fails, apart from the axis, which exists.")]
            #[track_caller]
            pub fn $name<const I: usize>(&self) -> Self
            where
                S: Axis<I>,
            {
                Self::infallible(self.as_tensor().$name(I as isize))
            }
        )*}
    };
}

along_axis! {
    /// `softmax` along axis `I`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let p: TypedTensor<shape![2, 4]> = TypedTensor::<shape![2, 4]>::zeros().softmax::<1>();
    /// assert_eq!(p.to_vec::<f32>()?, [0.25; 8]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    softmax::<I>(); // x.softmax::<1>()
    /// The logarithm of `softmax` along axis `I`.
    log_softmax::<I>(); // x.log_softmax::<1>()
    /// `softmax` of the negative along axis `I`.
    softmin::<I>(); // x.softmin::<1>()
    /// Running sums along axis `I`.
    cumsum::<I>(); // x.cumsum::<1>()
    /// Running products along axis `I`.
    cumprod::<I>(); // x.cumprod::<1>()
    /// Running `log Σ exp` along axis `I`.
    logcumsumexp::<I>(); // x.logcumsumexp::<1>()
    /// The elements in reverse order along axis `I`.
    flip::<I>(); // x.flip::<1>()
}

type Joined<A, B> = <A as Broadcast<B>>::Output;

impl<S: Shape> TypedTensor<S> {
    /// The elements limited to `low ..= high`; [`Tensor::clamp`].
    ///
    /// # Panics
    /// If the dtype is complex.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([-1.0f32, 0.5, 3.0]).clamp(0.0, 1.0);
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn clamp(&self, low: f64, high: f64) -> Self {
        Self::infallible(self.as_tensor().clamp(low, high))
    }

    /// The elements, at least `low`; [`Tensor::clamp_min`].
    ///
    /// # Panics
    /// If the dtype is complex.
    #[track_caller]
    pub fn clamp_min(&self, low: f64) -> Self {
        Self::infallible(self.as_tensor().clamp_min(low))
    }

    /// The elements, at most `high`; [`Tensor::clamp_max`].
    ///
    /// # Panics
    /// If the dtype is complex.
    #[track_caller]
    pub fn clamp_max(&self, high: f64) -> Self {
        Self::infallible(self.as_tensor().clamp_max(high))
    }

    /// `self + weight · (end - self)`; [`Tensor::lerp`].
    ///
    /// # Panics
    /// If the dtypes are not floating-point, the devices differ, or a run-time dim has two sizes.
    #[track_caller]
    pub fn lerp<R: Shape>(&self, end: &TypedTensor<R>, weight: f64) -> TypedTensor<Joined<S, R>>
    where
        S: Broadcast<R>,
    {
        TypedTensor::infallible(self.as_tensor().lerp(end.as_tensor(), weight))
    }

    /// Elements of `yes` where this mask holds and of `no` elsewhere; [`Tensor::where_`].
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([[-1.0f32, 2.0], [3.0, -4.0]]);
    /// let floor = TypedTensor::from([0.5f32, 0.25]);
    /// let y: TypedTensor<shape![2, 2]> = x.gt(0.0).choose(&x, &floor);
    /// assert_eq!(y.to_vec::<f32>()?, [0.5, 2.0, 3.0, 0.25]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If this is not a bool tensor, the devices differ, or a run-time dim has two sizes.
    #[track_caller]
    pub fn choose<Y: Shape, N: Shape>(
        &self,
        yes: &TypedTensor<Y>,
        no: &TypedTensor<N>,
    ) -> TypedTensor<Joined<Joined<S, Y>, N>>
    where
        S: Broadcast<Y>,
        Joined<S, Y>: Broadcast<N>,
    {
        TypedTensor::infallible(Tensor::where_(self.as_tensor(), yes.as_tensor(), no.as_tensor()))
    }

    /// The tensor with `value` where `mask` holds; [`Tensor::masked_fill`].
    ///
    /// # Panics
    /// If the mask is not a bool tensor, the devices differ, or a run-time dim has two sizes.
    #[track_caller]
    pub fn masked_fill<M: Shape + Broadcast<S, Output = S>>(
        &self,
        mask: &TypedTensor<M>,
        value: f64,
    ) -> Self {
        Self::infallible(self.as_tensor().masked_fill(mask.as_tensor(), value))
    }

    /// Each element set to 0 with probability `p`, the others divided by `1 - p`; [`Tensor::dropout`].
    ///
    /// # Panics
    /// If `p` is no probability, or the dtype is not floating-point.
    #[track_caller]
    pub fn dropout(&self, p: f64) -> Self {
        Self::infallible(self.as_tensor().dropout(p))
    }
}

impl<S: Shape> TypedTensor<S> {
    /// The tensor converted to `dtype`; [`Tensor::to_dtype`].
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x: TypedTensor<shape![2]> = TypedTensor::<shape![2]>::ones().to_dtype(DType::F64);
    /// assert_eq!(x.dtype(), DType::F64);
    /// ```
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Self {
        Self::trusted(self.as_tensor().to_dtype(dtype))
    }

    /// The tensor on `device`; [`Tensor::to_device`].
    ///
    /// # Errors
    /// If the device is not there or has no memory left.
    pub fn to_device(&self, device: Device) -> Result<Self> {
        self.as_tensor().to_device(device).map(Self::trusted)
    }

    /// The elements in row-major order; [`Tensor::contiguous`].
    #[track_caller]
    pub fn contiguous(&self) -> Self {
        Self::trusted(self.as_tensor().contiguous())
    }
}
