//! The calls of a `model!`: one function for every function of its table, all arguments explicit.
//!
//! The table is `rustorch_shape::functions`; the arguments stand in its order, sizes as arrays where their number is
//! fixed, and a test compares the two.

mod assert;
mod join;
mod pool;
mod reduce;
mod view;

pub use assert::assert_sizes;
pub use join::{cat, chunk, split, stack};
pub use pool::{adaptive_avg_pool2d, avg_pool2d, log_softmax, max_pool2d, softmax};
pub use reduce::{argmax, argmin, max, mean, min, sum};
pub use view::{expand, flatten, narrow, permute, reshape, select, squeeze, transpose, unflatten, unsqueeze};

use crate::tensor::number;
use crate::{Error, Operand, Result, Tensor};
use rustorch_shape::{Dims, ShapeError};

/// Checks the sizes of an input that its type does not express.
///
/// # Errors
/// If the shape differs from `expected`.
pub fn check_input(model: &'static str, name: &str, input: &Tensor, expected: &[usize]) -> Result<()> {
    if input.shape() == expected {
        return Ok(());
    }
    let message = format!(
        "the input `{name}` has shape {}, but its declaration and the other inputs ask for {}",
        Dims(input.shape()),
        Dims(expected)
    );
    Err(Error::Shape(ShapeError::input(model, 0, message)))
}

macro_rules! elementwise {
    ($($name:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        #[expect(clippy::missing_errors_doc, reason = "as the method")]
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            Ok(x.$name())
        }
    )*};
}

elementwise!(relu silu tanh sigmoid exp log sqrt rsqrt square abs sin cos neg);

macro_rules! operators {
    ($($name:ident $scalar:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If the shapes do not broadcast or the dtype does not have the operation.
        pub fn $name<'a>(left: &Tensor, right: impl Into<Operand<'a>>) -> Result<Tensor> {
            left.$name(right)
        }

        #[doc = concat!("`Tensor::", stringify!($name), "` with a number on the left.")]
        ///
        /// # Errors
        /// If the dtype does not have the operation.
        pub fn $scalar(left: f64, right: &Tensor) -> Result<Tensor> {
            number(left, right).$name(right)
        }
    )*};
}

operators!(add scalar_add sub scalar_sub mul scalar_mul div scalar_div);

/// `Tensor::gelu` or `Tensor::gelu_tanh`.
///
/// # Errors
/// If `approximate` is neither "none" nor "tanh".
pub fn gelu(x: &Tensor, approximate: &str) -> Result<Tensor> {
    match approximate {
        "none" => Ok(x.gelu()),
        "tanh" => Ok(x.gelu_tanh()),
        other => {
            let message = format!("approximate must be \"none\" or \"tanh\", not {other:?}");
            Err(Error::Argument { op: "gelu", message })
        }
    }
}

macro_rules! activations {
    ($($name:ident($($p:ident = $value:expr),*; $($q:ident),*))*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        #[expect(clippy::missing_errors_doc, reason = "as the method")]
        pub fn $name(x: &Tensor $(, $q: f64)*) -> Result<Tensor> {
            $(let $p = $value;)*
            Ok(x.$name($($q,)* $($p),*))
        }
    )*};
}

// PyTorch's softplus is linear where `beta · x` is over 20.
activations! {
    leaky_relu(; negative_slope)
    elu(; alpha)
    softplus(beta = 1.0, threshold = 20.0;)
}

macro_rules! binary {
    ($($name:ident)*) => {$(
        #[doc = concat!("`Tensor::", stringify!($name), "`.")]
        ///
        /// # Errors
        /// If the shapes or dtypes do not fit.
        pub fn $name(a: &Tensor, b: &Tensor) -> Result<Tensor> {
            a.$name(b)
        }
    )*};
}

binary!(matmul bmm maximum minimum);
