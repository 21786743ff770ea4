//! Optimisers and learning-rate schedulers (`torch.optim`).
//!
//! An optimiser is made from the tensors to train; [`Optimizer::step`] changes them by their gradients, in place.
//!
//! ```
//! use rustorch::optim::{Optimizer, SGD};
//! use rustorch::Tensor;
//! let w = Tensor::from([3.0f32]).requires_grad_(true)?;
//! let mut opt = SGD::new([w.clone()], 0.1);
//! for _ in 0..100 {
//!     opt.zero_grad();
//!     w.square().sum().backward()?;
//!     opt.step()?;
//! }
//! assert!(w.item::<f32>()?.abs() < 1e-6);
//! # Ok::<(), rustorch::Error>(())
//! ```
//!
//! Every optimiser is an [`Optim`] over the options that distinguish it ([`AdamWOptions`] …): `new` takes what is
//! almost always given and has PyTorch's defaults for the rest; `builder` takes everything, and parameter groups.
//! An update is one pass over parameter, gradient and state, in `f32` for the half types.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod asgd;
mod clip;
mod driver;
mod nadam;
mod options;
mod radam;
mod rmsprop;
mod rprop;
pub mod scheduler;
mod sgd;
mod state;

use crate::nn::StateDict;
use crate::{Result, Tensor};

pub use adadelta::{Adadelta, AdadeltaOptions};
pub use adagrad::{Adagrad, AdagradOptions};
pub use adam::{Adam, AdamOptions, AdamW, AdamWOptions};
pub use adamax::{Adamax, AdamaxOptions};
pub use asgd::{ASGD, ASGDOptions};
pub(crate) use clip::Clipper;
pub use clip::{clip_grad_norm_, clip_grad_value_};
pub use driver::{Group, Optim, OptimBuilder, Rule};
pub use nadam::{NAdam, NAdamOptions};
pub use radam::{RAdam, RAdamOptions};
pub use rmsprop::{RMSprop, RMSpropOptions};
pub use rprop::{Rprop, RpropOptions};
pub use sgd::{SGD, SGDOptions};

/// What trains parameters (`torch.optim.Optimizer`).
pub trait Optimizer {
    /// Changes every parameter that has a gradient, by one step.
    ///
    /// # Errors
    /// If an option is not usable (a learning rate that is negative or not finite, a decay rate outside its range), if
    /// there are no parameters, one is given twice or is not a leaf, or if the device fails. Nothing is changed then
    /// unless the device failed half-way.
    fn step(&mut self) -> Result<()>;

    /// The parameters, group after group.
    fn parameters(&self) -> Vec<Tensor>;

    /// The learning rate of every parameter group.
    fn lrs(&self) -> Vec<f64>;

    /// The learning rate of a parameter group; `None` if there is no such group.
    fn group_lr(&self, group: usize) -> Option<f64> {
        self.lrs().get(group).copied()
    }

    /// Sets the learning rate of a parameter group; a group that does not exist is left alone.
    fn set_group_lr(&mut self, group: usize, lr: f64);

    /// The momentum of every parameter group, or the first of its betas; `None` where the method has neither.
    fn momenta(&self) -> Vec<Option<f64>>;

    /// Sets the momentum of a parameter group, or the first of its betas.
    fn set_group_momentum(&mut self, group: usize, momentum: f64);

    /// The options and the state of every parameter, as copies, by name: `"param_groups.0.lr"`, `"state.3.exp_avg"`.
    /// Numbers are `F64` tensors without axes, so that the whole can be saved as safetensors.
    fn state_dict(&self) -> StateDict;

    /// Goes on from a state that [`Optimizer::state_dict`] returned for the same parameters.
    ///
    /// # Errors
    /// If a name is unknown or missing, or a tensor does not fit its parameter; nothing is changed then.
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()>;

    /// Clears the gradients of all parameters.
    fn zero_grad(&mut self) {
        for parameter in self.parameters() {
            crate::error::expect(parameter.set_grad(None));
        }
    }

    /// The learning rate of the first parameter group.
    fn lr(&self) -> f64 {
        self.lrs().first().copied().unwrap_or(f64::NAN)
    }

    /// Sets the learning rate of all parameter groups.
    fn set_lr(&mut self, lr: f64) {
        for group in 0..self.lrs().len() {
            self.set_group_lr(group, lr);
        }
    }
}
