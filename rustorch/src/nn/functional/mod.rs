//! The functions behind the layers (`torch.nn.functional`).
//!
//! Functions with many options take a struct of them whose [`Default`] has PyTorch's values. Input that does not fit is
//! an error that names the operand, the axis and the sizes.

mod activation;
mod attention;
mod bilinear;
mod conv;
mod conv_products;
mod conv_transpose;
mod distance;
mod embedding;
mod instance_norm;
mod likelihood;
mod linear;
mod loss;
mod norm;
mod pool;
mod probability;
mod regularize;
mod resample;
mod similarity;

pub use activation::*;
pub use attention::{AttentionOptions, scaled_dot_product_attention};
pub use bilinear::bilinear;
pub use conv::*;
pub use conv_transpose::*;
pub use distance::*;
pub use embedding::*;
pub use instance_norm::*;
pub use likelihood::*;
pub use linear::linear;
pub use loss::*;
pub use norm::*;
pub use pool::*;
pub use probability::*;
pub use regularize::*;
pub use resample::*;
pub use similarity::*;
