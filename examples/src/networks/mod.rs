//! The networks of the examples, the benchmarks and the comparison with PyTorch, each declared once.

mod gpt;
mod resnet;
mod tagger;
mod transformer;
mod unet;
mod vit;

pub use gpt::{Gpt, TiedGpt};
pub use resnet::{BasicBlock, Bottleneck, BottleneckStage, ResNet, ResNet18, ResNet152, Shortcut, Stage};
pub use tagger::Tagger;
pub use transformer::Block;
pub use unet::{DoubleConv, UNet, Up};
pub use vit::ViT;
