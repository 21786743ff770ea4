//! Image datasets (`torchvision.datasets`).

mod idx;
mod mnist;

pub use mnist::Mnist;
