//! Whether any or all elements are true.

use super::{Kind, Reduction};
use crate::error::expect;
use crate::tensor::Axes;
use crate::{DType, Result, Tensor, no_grad};

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident, $by_axis:ident = $kind:ident, $input:tt => $full:literal, $rows:tt;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                ///
                /// # Panics
                /// If there is not enough memory.
                ///
                /// ```
                /// use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from(", stringify!($input), ");")]
                #[doc = concat!("assert_eq!(x.", stringify!($name), "().item::<bool>()?, ", stringify!($full), ");")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[track_caller]
                #[inline]
                pub fn $name(&self) -> Tensor {
                    expect(self.$by_axis((), false))
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`] over axes; with `keepdim` they stay, with size 1.")]
                ///
                /// # Errors
                /// If there are no such axes.
                ///
                /// ```
                /// use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from(", stringify!($input), ");")]
                #[doc = concat!("assert_eq!(x.", stringify!($by_axis), "(1, false)?.to_vec::<bool>()?, ", stringify!($rows), ");")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[inline]
                pub fn $by_axis(&self, axes: impl Axes, keepdim: bool) -> Result<Tensor> {
                    let truth = no_grad(|| self.to_dtype(DType::Bool));
                    let answer = Reduction::new(stringify!($name), &truth, axes)?.run(Kind::$kind, keepdim, 1.0)?;
                    // PyTorch's bytes were its bools once.
                    Ok(if self.dtype() == DType::U8 { answer.to_dtype(DType::U8) } else { answer })
                }
            )*
        }
    };
}

questions! {
    /// Whether any element is not zero, as `Bool`, or `U8` for `U8`; NaN is not zero, and of nothing none is (`torch.any`).
    any, any_dim = Max, [[0, 1], [0, 0]] => true, [true, false];

    /// Whether all elements are not zero, as `Bool`, or `U8` for `U8`; NaN is not zero, and of nothing all are (`torch.all`).
    all, all_dim = Min, [[0, 1], [1, 1]] => false, [false, true];
}
