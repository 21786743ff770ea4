//! The functions behind the layers (`torch.nn.functional`).
//!
//! Functions with many options take a struct of them whose [`Default`] has PyTorch's values. Input that does not fit is
//! an error that names the operand, the axis and the sizes.

mod activation;
mod conv;
mod linear;
mod loss;
mod pool;

pub use activation::*;
pub use conv::*;
pub use linear::linear;
pub use loss::*;
pub use pool::*;
