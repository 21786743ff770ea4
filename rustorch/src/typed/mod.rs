//! Tensors whose shape the compiler knows.
//!
//! A [`TypedTensor<S>`] is a [`Tensor`](crate::Tensor) that has shape `S`, a tuple of [`Dim`]s: [`Const<784>`](Const) where the size is
//! fixed, a name declared with [`dim!`](crate::dim) where it is known at run time, [`Any`] where it has no name.
//! [`shape!`](crate::shape) writes the tuple. Its own methods check shapes at compile time and return typed tensors, not
//! `Result`s; everything else a [`Tensor`](crate::Tensor) can do is there as well, since it derefs to one.
//!
//! ```
//! use rustorch::prelude::*;
//!
//! dim!(Batch);
//!
//! # fn main() -> rustorch::Result<()> {
//! // The door from dynamic to typed: checked once, at run time.
//! let x = Tensor::randn([32, 784]).typed::<shape![Batch, 784]>()?;
//! let w = TypedTensor::<shape![784, 10]>::randn();
//! let bias = TypedTensor::<shape![10]>::zeros();
//!
//! // From here on rustc checks: Batch × 784 times 784 × 10, plus a row.
//! let y: TypedTensor<shape![Batch, 10]> = x.matmul(&w) + bias;
//! let centred = &y - y.mean_keep::<1>();
//! let row: TypedTensor<shape![10]> = centred.sum_axis::<0>();
//! assert_eq!(row.shape(), [10]);
//! # Ok(())
//! # }
//! ```
//!
//! The same with a wrong shape does not compile:
//!
//! ```compile_fail,E0277
//! use rustorch::prelude::*;
//! let x = TypedTensor::<shape![32, 784]>::zeros();
//! let w = TypedTensor::<shape![512, 10]>::zeros();
//! let y = x.matmul(&w); // matmul: `(Const<32>, Const<784>)` cannot be multiplied by `(Const<512>, Const<10>)`
//! ```
//!
//! # What the compiler can and cannot promise
//! A named dim stands for a size, not for a value: two tensors typed apart may both claim `Batch` with different sizes.
//! An operation on both then panics, at the caller's line and with both sizes. The same holds for [`Any`]. Sizes that are
//! `Const` never get that far.

// A comment in the parentheses of a signature is for those who pass an axis there, as to the method of `Tensor`: with "this method takes
// 0 arguments", rustc shows that line.

mod axes;
mod broadcast;
mod computed;
mod count;
mod create;
mod dim;
pub(crate) mod einops;
pub(crate) mod einsum;
mod elementwise;
mod fits;
mod join;
mod layout;
mod matmul;
mod operators;
mod order;
mod reduce;
mod shape;
mod tensor;
mod window;

pub use axes::{Axis, InsertAxis, Permute, SetAxis, Squeeze, Swap, UnitDim};
pub use broadcast::Broadcast;
pub use computed::{Formula, MergeAxes, Product, SameSize, Sum, Windows};
pub use dim::{Any, BroadcastDim, Const, Dim, FixedDim, One};
pub use einsum::{DynamicOperands, TensorOperand, TypedOperands};
pub use elementwise::ElementwiseOperand;
pub use fits::{Fits, FitsDim, Given, Stated};
pub use join::{CatParts, CatSum, SplitParts};
pub use matmul::MatmulShape;
pub use shape::{AxisType, FixedShape, Shape};
pub use tensor::TypedTensor;
