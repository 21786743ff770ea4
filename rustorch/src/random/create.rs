//! New random tensors.

use super::law::{Law, draw};
use super::{Generator, default_generator};
use crate::error::expect;
use crate::tensor::IntoShape;
use crate::{DType, Device, Error, Result, Tensor, TensorOptions};

const UNIT: Law = Law::Uniform { low: 0.0, high: 1.0 };
const STANDARD: Law = Law::Normal { mean: 0.0, std: 1.0 };

macro_rules! continuous {
    ($($(#[$doc:meta])* $name:ident, $with:ident, $like:ident = $law:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If there is not enough memory.
        #[track_caller]
        pub fn $name(shape: impl IntoShape) -> Tensor {
            Self::$with(shape, TensorOptions::default())
        }

        #[doc = concat!("[`Tensor::", stringify!($name), "`] of a given dtype or device.")]
        ///
        /// # Panics
        /// If the dtype is an integer or bool, or the device has no generator or not the memory.
        #[track_caller]
        pub fn $with(shape: impl IntoShape, options: impl Into<TensorOptions>) -> Tensor {
            let TensorOptions { dtype, device } = options.into();
            expect(draw($law, stringify!($name), &shape.into_shape(), dtype, device, default_generator()))
        }

        #[doc = concat!("[`Tensor::", stringify!($name), "`] of this tensor's shape, dtype and device.")]
        ///
        /// # Panics
        #[doc = concat!("As [`Tensor::", stringify!($with), "`].")]
        #[track_caller]
        pub fn $like(&self) -> Tensor {
            Self::$with(self.shape(), (self.dtype(), self.device()))
        }
    )*};
}

impl Tensor {
    continuous! {
        /// Numbers drawn uniformly from `[0, 1)`, as `F32` (`torch.rand`).
        ///
        /// ```
        /// use rustorch::{Tensor, manual_seed};
        /// manual_seed(0);
        /// let x = Tensor::rand([2, 3]);
        /// assert!(x.to_vec::<f32>()?.iter().all(|x| (0.0..1.0).contains(x)));
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        rand, rand_with, rand_like = UNIT;
        /// Numbers drawn from the normal distribution of mean 0 and variance 1, as `F32` (`torch.randn`). The parts of
        /// complex numbers share the variance.
        ///
        /// ```
        /// use rustorch::{DType, Tensor};
        /// assert_eq!(Tensor::randn([2, 3]).shape(), [2, 3]);
        /// assert_eq!(Tensor::randn_with([2], DType::F64).dtype(), DType::F64);
        /// ```
        randn, randn_with, randn_like = STANDARD;
    }

    /// Integers drawn uniformly from `low` up to but without `high`, as `I64` (`torch.randint`).
    ///
    /// # Panics
    /// If the range is empty or not that of the dtype, or there is not enough memory.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let labels = Tensor::randint(0, 10, [32]);
    /// assert!(labels.to_vec::<i64>()?.iter().all(|label| (0..10).contains(label)));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn randint(low: i64, high: i64, shape: impl IntoShape) -> Tensor {
        Self::randint_with(low, high, shape, DType::I64)
    }

    /// [`Tensor::randint`] of a given dtype or device.
    ///
    /// # Panics
    /// As [`Tensor::randint`].
    #[track_caller]
    pub fn randint_with(
        low: i64,
        high: i64,
        shape: impl IntoShape,
        options: impl Into<TensorOptions>,
    ) -> Tensor {
        let TensorOptions { dtype, device } = options.into();
        let law = expect(integers("randint", low, high, dtype));
        expect(draw(law, "randint", &shape.into_shape(), dtype, device, default_generator()))
    }

    /// [`Tensor::randint`] of this tensor's shape, dtype and device (`torch.randint_like`).
    ///
    /// # Panics
    /// As [`Tensor::randint`].
    #[track_caller]
    #[inline]
    pub fn randint_like(&self, low: i64, high: i64) -> Tensor {
        Self::randint_with(low, high, self.shape(), (self.dtype(), self.device()))
    }

    /// The numbers from 0 up to but without `n` in random order, as `I64` (`torch.randperm`).
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let mut order = Tensor::randperm(5).to_vec::<i64>()?;
    /// order.sort();
    /// assert_eq!(order, [0, 1, 2, 3, 4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn randperm(n: usize) -> Tensor {
        // Says so where memory does not hold the numbers, which a vector does not.
        expect(Self::uninit(&[n], DType::I64, Device::Cpu));
        let order = default_generator().permutation(n).into_iter().map(|i| i as i64);
        expect(Self::from_vec(order.collect::<Vec<_>>(), [n]))
    }

    /// Numbers drawn from the normal distribution of a mean and a standard deviation, as `F32` (`torch.normal`).
    ///
    /// # Errors
    /// If the standard deviation is negative or either is not finite.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// assert_eq!(Tensor::normal(3.0, 0.5, [4])?.shape(), [4]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn normal(mean: f64, std: f64, shape: impl IntoShape) -> Result<Tensor> {
        let TensorOptions { dtype, device } = TensorOptions::default();
        draw(normal("normal", mean, std)?, "normal", &shape.into_shape(), dtype, device, default_generator())
    }
}

impl Generator {
    /// [`Tensor::rand_with`] by this generator.
    ///
    /// # Errors
    /// If the dtype is an integer or bool, or the device has no generator or not the memory.
    pub fn rand(&self, shape: impl IntoShape, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let TensorOptions { dtype, device } = options.into();
        draw(UNIT, "rand", &shape.into_shape(), dtype, device, self)
    }

    /// [`Tensor::randn_with`] by this generator.
    ///
    /// # Errors
    /// As [`Generator::rand`].
    ///
    /// ```
    /// use rustorch::{DType, random::Generator};
    /// let generator = Generator::new(1);
    /// let x = generator.randn([3], DType::F32)?;
    /// generator.manual_seed(1);
    /// assert_eq!(generator.randn([3], DType::F32)?.to_vec::<f32>()?, x.to_vec::<f32>()?);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn randn(&self, shape: impl IntoShape, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let TensorOptions { dtype, device } = options.into();
        draw(STANDARD, "randn", &shape.into_shape(), dtype, device, self)
    }

    /// [`Tensor::randint_with`] by this generator.
    ///
    /// # Errors
    /// If the range is empty or not that of the dtype; as [`Generator::rand`].
    pub fn randint(
        &self,
        low: i64,
        high: i64,
        shape: impl IntoShape,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let TensorOptions { dtype, device } = options.into();
        draw(integers("randint", low, high, dtype)?, "randint", &shape.into_shape(), dtype, device, self)
    }
}

#[inline]
pub(super) fn integers(op: &'static str, low: i64, high: i64, dtype: DType) -> Result<Law> {
    if low >= high {
        return Err(Error::argument(op, format!("there are no integers from {low} up to, without, {high}")));
    }
    let range = if dtype == DType::Bool { Some((0, 1)) } else { dtype.int_range() };
    let (least, greatest) = range.unwrap_or((i64::MIN, i64::MAX));
    if low < least || high - 1 > greatest {
        let message = format!("{dtype} does not hold the integers from {low} up to, without, {high}");
        return Err(Error::argument(op, message));
    }
    Ok(Law::Integers { low, span: high.wrapping_sub(low) as u64 })
}

#[inline]
pub(super) fn normal(op: &'static str, mean: f64, std: f64) -> Result<Law> {
    if !(mean.is_finite() && std.is_finite() && std >= 0.0) {
        return Err(Error::argument(
            op,
            format!(
                "mean {mean} and standard deviation {std}: both must be finite, and the latter not negative"
            ),
        ));
    }
    Ok(Law::Normal { mean, std })
}
