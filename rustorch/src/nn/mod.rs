//! Neural networks: modules, layers and their functional forms.
//!
//! A [`Module`] is what holds state: parameters, buffers and further modules, under PyTorch's names. A [`Layer`] is a
//! module that maps one tensor to one tensor. Layers are made by `new` with PyTorch's defaults, or by a `builder` whose
//! options are named as in PyTorch; their tensors are public fields.

mod build;
mod container;
pub mod functional;
pub mod init;
mod layers;
mod loss;
mod module;
mod state_dict;
pub mod utils;
mod visitor;

pub use build::{Argument, OptionalNumber, SizeList, Window, WindowOrMode};
pub use container::{ModuleDict, ModuleList, Sequential};
pub(crate) use layers::share_of_batch;
pub use layers::*;
pub use loss::{CrossEntropyLoss, L1Loss, MSELoss};
pub use module::{Layer, Module};
// The messages of rustc name the module in which a trait is found.
#[doc(hidden)]
pub use crate::private::model::call::CallOpen;
pub use state_dict::{LoadReport, StateDict};
pub(crate) use visitor::visit_parts;
pub use visitor::{Entry, EntryMut, Training, Visitor, VisitorMut};
