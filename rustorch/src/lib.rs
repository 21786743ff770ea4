//! RusTorch: PyTorch for Rust.
//!
//! Tensors are dynamic, cheap to clone and differentiable, with PyTorch's names and semantics; macros check the shapes
//! of declared networks and expressions at compile time.

// The macros name this crate by its own name, here as well.
extern crate self as rustorch;

pub mod autograd;
pub mod compiled;
pub mod cuda;
pub mod data;
mod device;
mod dtype;
mod error;
mod layout;
pub mod nn;
mod ops;
pub mod optim;
mod private;
pub mod random;
mod scalar;
pub mod serialize;
mod storage;
mod tensor;
mod threads;
pub mod typed;
#[cfg(feature = "vision")]
pub mod vision;

pub use autograd::{
    enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled,
};
pub use device::Device;
pub use dtype::{DType, Element};
pub use error::{Error, Result};
/// The CPU kernel layer, no public interface.
#[doc(hidden)]
pub use rustorch_cpu as kernels;
pub use rustorch_cpu::{bf16, f16};

pub use ops::elementwise::{FusedNumber, Operand};
pub use ops::indexing::Reduce;
pub use ops::join::{Indexing, PadMode, Repeats, SplitSizes};
pub use ops::sort::{Interpolation, Unique};
pub use random::manual_seed;
pub use scalar::Scalar;
pub use storage::{empty_cache, memory_requests};
pub use tensor::{
    Axes, Ellipsis, Index, IntoIndex, IntoShape, NewAxis, PrintOptions, RightOperand, Sizes, Slice, Tensor,
    TensorData, TensorOptions, print_options, set_print_options, slice,
};

pub use ops::einops::{rearrange, reduce, repeat};
pub use ops::einsum::{einsum, einsum_path};
pub use rustorch_macros::{
    avg_pool2d, conv2d, dim, einsum, einsum_path, fuse, max_pool2d, model, rearrange, reduce, repeat, shape,
};
pub use threads::{get_num_threads, set_num_threads};
pub use typed::{Any, Const, Dim, One, Shape, TypedTensor};

/// What most programs use: `use rustorch::prelude::*`.
pub mod prelude {
    pub use crate::compiled::TrainStep;
    pub use crate::nn::{self, Layer, Module};
    pub use crate::optim::{self, Optimizer};
    pub use crate::{Any, Const, DType, Device, Dim, One, Shape, Tensor, TypedTensor, tensor};
    pub use rustorch_macros::{
        avg_pool2d, conv2d, dim, einsum, einsum_path, fuse, max_pool2d, model, rearrange, reduce, repeat,
        shape,
    };
}

/// What the macros expand to; no public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::compiled::expansion as compiled;
    pub use crate::private::model;
    pub use crate::tensor::from_literal;

    /// For `rearrange!`, `reduce!` and `repeat!`.
    pub mod einops {
        pub use crate::ops::einops::Site;
        pub use crate::typed::einops::{Composite, Known, check};
    }

    /// For `fuse!`.
    pub mod fuse {
        pub use crate::ops::elementwise::chain::EvalAll;
        pub use crate::ops::elementwise::kernel::{Eval, real};
        /// The words of expressions.
        pub use crate::ops::elementwise::lanes as words;
        pub use crate::ops::elementwise::words::{Word, Words, real_by_words};
        pub use crate::ops::elementwise::{Domain, Elementwise, Gradient, Params, Source, Traced, Variable};
    }

    /// For `einsum!`.
    pub mod einsum {
        pub use crate::ops::einsum::Site;
        pub use crate::typed::einsum::{EllipsisOperand, Surround, number, trusted};
        pub use rustorch_shape::einsum::{IndexSet, static_order};
    }
}
