//! The calls of a `model!`: one function for every function of its table, all arguments explicit.
//!
//! The table is `rustorch_shape::functions`; the arguments stand in its order, sizes as arrays where their number is
//! fixed, and a test compares the two.

mod arrange;
mod assert;
pub(crate) mod call;
mod elementwise;
mod join;
mod kept;
mod layers;
mod network;
mod pool;
mod product;
mod reduce;
mod resample;
mod view;

pub use arrange::*;
pub use assert::{assert_sizes, assert_stated};
pub use elementwise::*;
pub use join::*;
pub use kept::{Kept, layer, part};
pub use layers::*;
pub use network::*;
pub use pool::*;
pub use product::*;
pub use reduce::*;
pub use resample::*;
pub use view::*;

use crate::autograd::outside_inference_mode;
use crate::{DType, Device, Error, Result, Tensor};
use rustorch_shape::{Dims, ShapeError};

/// Checks the sizes of an input that its type does not express.
///
/// # Errors
/// If the shape differs from `expected`.
#[inline]
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

/// The assertions of a model that `model!` did not make: none. Where a type has its own, that one is meant.
pub trait Unchecked {
    /// Nothing.
    const SHAPES_FIT: () = ();
    /// The fixed sizes of its inputs: not known.
    const DECLARED_INPUTS: &'static [&'static [usize]] = &[];
    /// Those of what it gives.
    const DECLARED_OUTPUTS: &'static [&'static [usize]] = &[];
}

impl<T: ?Sized> Unchecked for T {}

/// A parameter of a layer, which may be left out.
pub trait Held {
    /// The tensor.
    ///
    /// # Errors
    /// If it is left out.
    fn held(&self) -> Result<&Tensor>;
}

impl Held for Tensor {
    fn held(&self) -> Result<&Tensor> {
        Ok(self)
    }
}

impl Held for Option<Tensor> {
    #[inline]
    fn held(&self) -> Result<&Tensor> {
        self.as_ref().ok_or_else(|| Error::argument("model!", "a parameter that is used was left out"))
    }
}

/// Layers of the same kind.
///
/// # Errors
/// If one cannot be built.
pub fn array<T, const N: usize>(mut build: impl FnMut() -> Result<T>) -> Result<[T; N]> {
    let layers = (0..N).map(|_| build()).collect::<Result<Vec<T>>>()?;
    Ok(<[T; N]>::try_from(layers).unwrap_or_else(|_| unreachable!("there are as many as are asked for")))
}

/// A parameter or buffer of a model, with its first value.
///
/// # Errors
/// If there is not enough memory, or `init` fails.
pub fn own_tensor(
    shape: &[usize],
    is_buffer: bool,
    init: impl FnOnce(&Tensor) -> Result<()>,
) -> Result<Tensor> {
    // Models can be trained also when they are made in inference mode.
    outside_inference_mode(|| {
        let tensor = Tensor::try_full(shape, 0.0, DType::F32, Device::Cpu)?;
        init(&tensor)?;
        if is_buffer { Ok(tensor) } else { tensor.requires_grad_(true) }
    })
}

/// A parameter or buffer of a model that starts as a copy of `value`.
///
/// # Errors
/// If there is no `value`, its shape is another, or a parameter is not of a floating-point or complex dtype.
#[inline]
pub fn own_tensor_from(
    name: &'static str,
    shape: &[usize],
    is_buffer: bool,
    value: Result<Tensor>,
) -> Result<Tensor> {
    let value = value?;
    if value.shape() != shape {
        let message = format!(
            "`{name}` is declared as {}, but its first value has shape {}",
            Dims(shape),
            Dims(value.shape())
        );
        return Err(Error::Shape(ShapeError::input("model!", 0, message)));
    }
    outside_inference_mode(|| {
        let tensor = value.detach().copy();
        if is_buffer { Ok(tensor) } else { tensor.requires_grad_(true) }
    })
}
